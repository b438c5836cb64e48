/// Every bound of this module, with its unit in the name.
public enum Limits {
  /// Names and titles.
  public static let nameCharactersMax = 255
  /// E-mail addresses (RFC 5321 section 4.5.3.1.3, less the angle brackets).
  public static let emailCharactersMax = 254
  /// Phone numbers.
  public static let phoneCharactersMax = 64
  /// Stages, types, sources and other short labels.
  public static let labelCharactersMax = 50
  /// How deep JSON members may nest: an activity entry carries them some levels further down.
  public static let memberDepthMax = 16
  /// All other text, and each JSON member, in bytes of UTF-8.
  public static let textBytesMax = 64 * 1024
  /// Digits of a decimal number, those behind the point included: money is below 10^13.
  public static let decimalDigitsMax = 15
  /// The same as the bound of its units: 10^15.
  static let decimalUnitsMax: Int64 = 1_000_000_000_000_000
  /// Stages of one pipeline.
  public static let stagesMax = 50
  /// Custom fields that a tenant defines for one kind of record, those in the trash included.
  public static let customFieldsMax = 200
  /// Digits of a number in a custom field.
  public static let customNumberDigitsMax = 15
  /// Copies of definitions of custom fields that are held in memory, in bytes.
  static let customFieldBytesMax = 8 * 1024 * 1024
  /// Addresses on the web.
  public static let urlCharactersMax = 2048
  /// Preferences of one user.
  public static let preferencesMax = 200
  /// Characters of a preference's key.
  public static let preferenceKeyCharactersMax = 64
  /// Months of one forecast.
  public static let forecastMonthsMax = 120
  /// Strings in one list.
  public static let listedTextsMax = 200
  /// Tags on one record.
  public static let tagsMax = 50
  /// Characters of one tag.
  public static let tagCharactersMax = 64
  /// Records on one page.
  public static let pageRecordsMax = 200
  /// Records on a page when nothing is said.
  public static let pageRecordsDefault = 50
  /// The last record that `page` and `pageSize` may reach; keyset paging has no such bound.
  public static let offsetRecordsMax = 100_000
  /// Conditions in one query string.
  public static let filtersMax = 40
  /// Bytes of a value that the activity log is filtered by.
  static let filterBytesMax = 1024
  /// Values in one `in` or `nin`.
  public static let listedValuesMax = 200
  /// Owners whose records a list finds each by an index, before it walks through all records.
  static let scopeBranchesMax = 30
  /// Branches by which a list's records are counted, however many they reach.
  static let countedBranchesMax = 4
  /// Values bound in one statement, well below what SQLite takes (sqlite.org/limits.html).
  static let boundValuesMax = 20_000
  /// Records in somebody's reach that a list sorts, rather than walking through all in order.
  static let sortedRecordsMax = 2000
  /// Tags that are listed with their counts.
  static let tagsListedMax = 10_000
  /// Sort keys in one query string.
  public static let sortKeysMax = 5
  /// An answer that is kept for its Idempotency-Key, in bytes.
  public static let idempotentAnswerBytesMax = 256 * 1024
  /// How long it is kept, in milliseconds.
  public static let idempotentAnswerMilliseconds: Int64 = 24 * 3600 * 1000
  /// How long the change log is kept, in milliseconds.
  public static let changeLogMilliseconds: Int64 = 7 * 24 * 3600 * 1000
  /// A chunk of a file, in bytes; files that are stored were cut by it.
  public static let fileChunkBytes = 262_144
  /// Chunks that one transaction clears away at most: 2 MiB, which are overwritten.
  public static let fileChunksPerStep = 8
  /// Chunks that a request clears away before it is answered; housekeeping does the rest.
  public static let fileChunksRemovedMax = 1024
  /// Bytes that a form may take beside the file in it.
  public static let formBytesMax = 65_536
  /// Characters of a media type with its parameters.
  public static let mediaTypeCharactersMax = 255
  /// Files on their way in or out at a time, each with some chunks in memory.
  public static let transfersMax = 256
  /// Files on their way in or out for one user.
  public static let transfersPerUserMax = 64
  /// Exports on their way out at a time.
  public static let exportsMax = 16
  /// Exports on their way out for one user.
  public static let exportsPerUserMax = 4
  /// Characters of `X-Reason`.
  public static let reasonCharactersMax = 500
  /// Reminders that one transaction fires at most, so that writers behind it do not wait.
  static let remindersPerStepMax = 100
  /// How long whoever fires reminders sleeps at most: the clock may be set, and a task restored.
  static let reminderPauseSecondsMax = 60.0
  /// Versions that a 412 looks back to find what the client knew.
  static let versionStepsMax = 100
  /// Characters of what a timeline says of one item.
  static let summaryCharactersMax = 200
  /// Entries of other applications in one request.
  public static let activitiesPerBatchMax = 1000
  /// Entries of reads that wait in memory until they are written together.
  static let bufferedActivitiesWanted = 100
  /// How long such an entry waits at most, in seconds.
  public static let bufferedActivitySeconds = 5.0
  /// Entries that wait in memory at most, because the file takes none; some kilobytes each.
  static let bufferedActivitiesMax = 2000
  /// From how many on those who read wait until they are written.
  static let bufferedActivitiesCrowd = 1500
  /// Such entries that one transaction writes at most, so that changes behind it do not wait.
  static let activitiesPerWriteMax = 200
  /// How far from now the time of another application's entry may be, in milliseconds.
  static let activityDistanceMillisecondsMax: Int64 = 24 * 3600 * 1000
  /// Changes in one batch.
  public static let batchOperationsMax = 500
  /// The body of a batch.
  public static let batchBodyBytesMax = 8 * 1024 * 1024
  /// The answer to a batch that is kept for its Idempotency-Key, in bytes.
  public static let batchAnswerBytesMax = 2 * 1024 * 1024
  /// How long a report may be read, in seconds.
  static let reportSeconds = 30.0
  /// Tenants of which it is remembered that they have what every tenant starts with.
  static let startedMax = 10_000
  /// Entries of a tenant after which its log is signed.
  public static let checkpointEntries: Int64 = 1000
  /// Checkpoints that one transaction makes at most.
  static let checkpointsPerStep = 50
  /// Tenants that are signed at a stop: it may not take long.
  static let checkpointsAtStopMax = 2000
  /// Entries that one step of a verification reads.
  public static let verifiedPerStep = 500
  /// Places where an entry is looked for that is not where it belongs.
  static let straysMax: Int64 = 1000
  /// Differences that a verification names of each kind.
  public static let differencesListedMax = 20
  /// How long one statement of a verification may take, in seconds.
  static let verificationSeconds = 86_400.0
}
