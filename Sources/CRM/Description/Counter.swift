/// What is counted of a resource's live records, so that statistics need not read them.
///
/// Everything that belongs to it stands in a record itself, so that the counts follow from the
/// record before and after each change.
struct Counter: Sendable {
  /// The name under which the counts are kept: `deals`, `deals.closedAt`.
  let name: String
  /// Members whose values are counted apart.
  let groups: [String]
  /// The member that says when, without which a record is not counted; nil where time is all the
  /// same.
  let time: String?
  /// The member and the values of it with which a record is counted; nil for all.
  private(set) var condition: (field: String, values: [String])?
  /// Money that is summed, and the member with its currency.
  private(set) var sum: (amount: String, currency: String)?
  /// Two times whose distance is summed.
  private(set) var span: (from: String, to: String)?

  /// Counts records by `groups`, and by the time `time`.
  init(_ name: String, by groups: [String] = [], at time: String? = nil) {
    self.name = name
    self.groups = groups
    self.time = time
  }

  /// Only records whose member `field` has one of `values` are counted.
  func only(_ field: String, _ values: [String]) -> Counter {
    var counter = self
    counter.condition = (field, values)
    return counter
  }

  /// The member `amount`, money in `currency`, is summed.
  func summing(_ amount: String, in currency: String) -> Counter {
    var counter = self
    counter.sum = (amount, currency)
    return counter
  }

  /// The time between two members is summed.
  func summing(from start: String, to end: String) -> Counter {
    var counter = self
    counter.span = (start, end)
    return counter
  }

  /// Every member that it depends on, beside those that say whose a record is.
  var members: [String] {
    groups
      + [time, condition?.field, sum?.amount, sum?.currency, span?.from, span?.to]
      .compactMap { $0 }
  }
}

extension Counter {
  /// Contacts by where they stand.
  static let contacts = Counter("contacts", by: ["lifecycle"])
  /// Contacts by when they came.
  static let newContacts = Counter("contacts.createdAt", at: "createdAt")
  /// Companies.
  static let companies = Counter("companies")
  /// Leads by how far they are.
  static let leads = Counter("leads", by: ["status"])
  /// Leads by when they came, and by what has become of them.
  static let newLeads = Counter("leads.createdAt", by: ["status"], at: "createdAt")
  /// Leads by when they became deals.
  static let convertedLeads = Counter("leads.convertedAt", at: "convertedAt")
  /// Deals by stage, with what they are worth.
  static let deals = Counter("deals", by: ["pipelineId", "stage", "status"])
    .summing("value", in: "currency")
  /// Decided deals by when that was, with what they are worth and how long they took.
  static let closedDeals = Counter("deals.closedAt", by: ["status"], at: "closedAt")
    .summing("value", in: "currency").summing(from: "createdAt", to: "closedAt")
  /// Tasks by how far they are.
  static let tasks = Counter("tasks", by: ["status"])
  /// Tasks that are yet to be done, by when they must be.
  static let dueTasks = Counter("tasks.dueAt", at: "dueAt").only("status", openTaskStatuses)
  /// Tasks by when they were done, and by whom.
  static let completedTasks = Counter("tasks.completedAt", by: ["assignedTo"], at: "completedAt")
  /// Interactions by type.
  static let interactions = Counter("interactions", by: ["type"])
  /// Interactions that took place, by when that was.
  static let completedInteractions = Counter("interactions.occurredAt", at: "occurredAt")
    .only("status", ["completed"])

  /// The statuses of a task that is yet to be done.
  static let openTaskStatuses = ["open", "in_progress"]
}
