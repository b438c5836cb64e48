/// Every bound of this module, with its unit in the name.
enum Limits {
  /// The pause between two batches while many write, in seconds: what is written meanwhile waits in
  /// the file and follows at full speed afterwards.
  static let crowdedPauseSeconds = 1.0
  /// The size at which a batch of activities is sent although more rows wait, in bytes; far below
  /// what a Wrapper takes.
  static let batchBytesWanted = 4 * 1024 * 1024
  /// What is kept of the words with which the Wrapper refuses an activity.
  static let refusalCharactersMax = 500
  /// The largest answer that is taken from the Wrapper.
  static let answerBytesMax = 16 * 1024 * 1024
  /// The most that all pages of one collection may bring.
  static let collectionBytesMax = 64 * 1024 * 1024
  /// The most pages of one collection.
  static let collectionPagesMax = 500
  /// The time of a call that nobody waits for.
  static let backgroundCallSeconds = 10.0
  /// The time for a connection, as part of the time of a call.
  static let connectSeconds = 2.0
  /// How long after the Wrapper was heard of connections to it are not tried before calls: longer
  /// than a poll of the feed is held.
  static let connectionTrustSeconds = 30.0
  /// The time of a sign-in, whose password hash is slow on purpose and queues behind others.
  static let loginSeconds = 10.0
  /// How often the same complaint is written to the log.
  static let complaintSeconds = 60.0

  /// How long a poll of the change feed may be answered later than it asked to.
  static let feedGraceSeconds = 3.0
  /// The most tenants of one poll that names them.
  static let feedTenantsPerPollMax = 100
  /// The most bytes that the names of a poll's channels take: servers take addresses of 8 KiB.
  static let feedChannelsBytesMax = 6_144
  /// The longest time until the Wrapper is asked whether it is back, by one call for all.
  static let probeSeconds = 5.0
  /// How long a feed that is not there is left alone.
  static let feedRetrySeconds = 300.0
  /// The shortest time between two polls that brought nothing new.
  static let feedEmptySpacingSeconds = 1.0
  /// The shortest time between two polls.
  static let feedSpacingSeconds = 0.05
  /// The ids of events that are remembered, so that none is applied twice.
  static let feedIDsMax = 4_096
  /// The longest id or cursor that is taken.
  static let feedTokenBytesMax = 1_024
  /// The share of the greatest staleness after which a tenant that is fed is looked at all the
  /// same; with a tenth of jitter that is still in time.
  static let fedLifeShare = 0.8
  /// The most rows that are kept of events beside one collection.
  static let overlaysPerCollectionMax = 10_000
  /// The most that wait to take something over for one tenant.
  static let adoptionsWaitingMax = 64
  /// The most looks in a row that are taken again at once because an event overtook them.
  static let discardsAtOnceMax = 3
  /// The number of users from which on losing half of them is not believed.
  static let usersUntilLossCounts = 2
  /// How long it is not believed.
  static let lossDisbeliefSeconds = 600.0
  /// The most activities of other applications that are kept of a tenant.
  static let foreignActivitiesPerTenantMax = 200
  /// The most bytes of such activities of all tenants.
  static let foreignActivitiesBytesMax = 8 * 1024 * 1024
  /// The largest such activity that is kept.
  static let foreignActivityBytesMax = 64 * 1024
  /// How long such an activity is shown.
  static let foreignActivityMillisecondsMax: Int64 = 3_600_000

  /// Failures in a row after which a tenant is degraded.
  static let failuresUntilDegraded = 3
  /// The time of failing after which a tenant is degraded.
  static let secondsUntilDegraded = 30.0
  /// How often the age of an unchanged snapshot is written to the file.
  static let confirmationSeconds = 60.0
  /// The most stored answers that are sealed in one transaction, when a key was set.
  static let rowsSealedAtOnceMax = 100
  /// The most tenants that are followed at once.
  static let tenantsMax = 10_000
  /// The most permission decisions a snapshot remembers.
  static let decisionsPerTenantMax = 4_096
  /// The most contexts of users a snapshot remembers.
  static let contextsPerTenantMax = 4_096
  /// The age of an answer from which on a failed balance read makes it doubtful that the Wrapper
  /// is there.
  static let doubtSeconds = 1.0
  /// The most rounds of looks that a request waits for.
  static let roundsAwaitedMax = 4
  /// How long nobody asks about a tenant until it is left to the file.
  static let idleTenantSeconds = 600.0
  /// How long a tenant stays in memory that only news brought there.
  static let recalledTenantSeconds = 60.0
  /// How often memory is looked at when nothing new is loaded.
  static let sweepSeconds = 2.0
  /// The shortest time between two looks at memory.
  static let sweepSpacingSeconds = 0.1
  /// The most tenants that are followed from the start without anything waiting for them; the
  /// others are loaded at their first use.
  static let tenantsFollowedAtStartMax = 100
  /// How long a person or unit that the Wrapper does not know is remembered as such.
  static let unknownSeconds = 30.0
  /// How long older activities are remembered that the Wrapper gave.
  static let olderActivitySeconds = 30.0
  /// The most answers about single people and units that are remembered, each of at most so many
  /// bytes, and the most such calls at once.
  static let onDemandEntriesMax = 1_000
  static let onDemandBytesMax = 64 * 1024
  static let onDemandCallsMax = 64
  /// What following a tenant occupies beside what is known of it: two loops, their alarms, the
  /// account; in bytes.
  static let followedTenantBytes = 8_192
  /// The most texts that all tenants share, and the longest of them in bytes.
  static let sharedTextsMax = 4_096
  static let sharedTextBytesMax = 64

  /// How long an accepted token is taken without asking.
  static let acceptedTokenSeconds = 60.0
  /// How long a refused token is refused without asking.
  static let refusedTokenSeconds = 5.0
  /// How long a token is taken again after the Wrapper could not be asked.
  static let offlineTokenSeconds = 5.0
  /// The most tokens that are remembered.
  static let tokensMax = 20_000
  /// The most validations under way at once.
  static let validationsAtOnceMax = 8
  /// The most validations that wait for their turn.
  static let validationsWaitingMax = 512
  /// The most session ids that are remembered as seen.
  static let sessionsSeenMax = 20_000

  /// The most sessions that are held as being in use.
  static let activeSessionsMax = 10_000
  /// How long a session counts as being in use after it was last seen, in milliseconds.
  static let activeSessionMilliseconds: Int64 = 3600 * 1000
  /// The most sessions that were ended and whose tokens are still refused.
  static let endedSessionsMax = 50_000
  /// How long tokens of an ended session are refused that say nothing later, in milliseconds.
  static let endedSessionMilliseconds: Int64 = 24 * 3600 * 1000
  /// How often the sessions in use are written to the file.
  static let sessionStoringSeconds = 60.0
  /// Sessions that one transaction writes or removes at most.
  static let sessionsPerWrite = 200
  /// Characters of a user agent that are kept.
  static let userAgentCharactersMax = 512

  /// The most reads about single users that a tenant has under way at once.
  static let revalidationsAtOnceMax = 16
  /// The most users whose read waits.
  static let revalidationsWaitingMax = 2_048
  /// How long nobody is asked about after a read about a user failed, in seconds: short, since
  /// meanwhile decisions rest on what is known.
  static let revalidationPauseSeconds = 1.0
  /// How soon the collections are looked at after a read about a user brought news, in seconds.
  static let revalidationLookSeconds = 0.5

  /// The shortest time between the starts of two balance reads of a tenant: 20 a second.
  static let balanceReadSpacingSeconds = 0.05
  /// The age up to which a balance is good enough where checks are `cached`.
  static let cachedBalanceSeconds = 30.0
  /// How often the balance is read when no operation asks for it.
  static let balancePollSeconds = 30.0
  /// How long after its last use a tenant's balance is read that often.
  static let balanceUseSeconds = 120.0

  /// The largest amount that is taken as one, in 1/10,000 credit, so that sums never overflow.
  static let amountUnitsMax: Int64 = 1_000_000_000_000_000
  /// What separates an amount from the next unit by rounding errors alone: in credits, and as a
  /// share of the amount, which holds the errors of thousands of sums.
  static let amountNoise = 1e-9
  static let amountNoiseShare = 1e-12
  /// How often a balance that changed is written to the file when nothing is shipped.
  static let balanceStoringSeconds = 30.0

  /// The most time that stopping takes.
  static let stopSeconds = 3.0
}
