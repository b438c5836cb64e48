/// One row of `record_counters`, its tenant aside: what is counted there.
struct CounterKey: Hashable {
  let counter: String
  /// Empty for the row that counts each record once; else the creator or assignee.
  let userID: String
  /// The quarter of an hour, 0 where time is all the same.
  let bucket: Int64
  let ownerID: String
  let grouping: String
  /// The currency.
  let unit: String
}

/// What a row of `record_counters` says, or by how much that changes.
struct CounterMeasures: Equatable {
  var records: Int64 = 0
  /// Cents are `amountBillions` × 10^9 + `amount`.
  var amountBillions: Int64 = 0
  var amount: Int64 = 0
  var milliseconds: Int64 = 0

  /// What one record adds.
  init(amount cents: Int64 = 0, milliseconds: Int64 = 0) {
    records = 1
    amountBillions = cents / Self.billion
    amount = cents % Self.billion
    self.milliseconds = milliseconds
  }

  /// What is read from a row.
  init(records: Int64, amountBillions: Int64, amount: Int64, milliseconds: Int64) {
    self.records = records
    self.amountBillions = amountBillions
    self.amount = amount
    self.milliseconds = milliseconds
  }

  static let zero = CounterMeasures(
    records: 0, amountBillions: 0, amount: 0, milliseconds: 0)
  private static let billion: Int64 = 1_000_000_000

  /// The whole amount in cents.
  var cents: Int128 { Int128(amountBillions) * Int128(Self.billion) + Int128(amount) }

  static prefix func - (measures: CounterMeasures) -> CounterMeasures {
    CounterMeasures(
      records: -measures.records, amountBillions: -measures.amountBillions,
      amount: -measures.amount, milliseconds: -measures.milliseconds)
  }

  static func += (left: inout CounterMeasures, right: CounterMeasures) {
    left.records += right.records
    left.amountBillions += right.amountBillions
    left.amount += right.amount
    left.milliseconds += right.milliseconds
  }

  /// Whether both say the same; the two parts of an amount may differ as long as their sum is one.
  static func == (left: CounterMeasures, right: CounterMeasures) -> Bool {
    left.records == right.records && left.cents == right.cents
      && left.milliseconds == right.milliseconds
  }
}

/// By how much rows of `record_counters` change.
struct CounterChanges {
  /// A record is in a few rows, so that looking through them is the quickest.
  private(set) var rows: [(key: CounterKey, measures: CounterMeasures)] = []

  /// Adds `measures` to what `key` counts.
  mutating func add(_ measures: CounterMeasures, to key: CounterKey) {
    if let place = rows.firstIndex(where: { $0.key == key }) {
      rows[place].measures += measures
    } else {
      rows.append((key, measures))
    }
  }

  /// Adds one thing with `measures` to the rows of all whose it is, or takes it away.
  mutating func add(
    _ measures: CounterMeasures, sign: CounterSign, counter: String, bucket: Int64,
    grouping: String, unit: String, of people: CountedPeople
  ) {
    let measures = sign == .added ? measures : -measures
    for userID in people.userIDs {
      add(
        measures,
        to: CounterKey(
          counter: counter, userID: userID, bucket: bucket, ownerID: people.ownerID,
          grouping: grouping, unit: unit))
    }
  }
}

/// Whether something came or went.
enum CounterSign {
  case added, removed
}

/// Whose a record is, as counters tell it.
struct CountedPeople: Equatable {
  /// Empty when it is nobody's.
  let ownerID: String
  /// `user_id` of the rows that count the record: the empty one, and those of its creator and of
  /// whom it is assigned to, where they are not the owner.
  let userIDs: [String]

  init(_ record: Record, _ resource: Resource) {
    let owner = record.ownerID ?? ""
    var userIDs = [""]
    for field in resource.userFields {
      guard let id = record[field.name].text, id != owner, !userIDs.contains(id) else { continue }
      userIDs.append(id)
    }
    ownerID = owner
    self.userIDs = userIDs
  }
}
