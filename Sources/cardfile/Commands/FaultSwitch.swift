internal import EmbeddedWrapper

/// One switch of `cardfile wrapper` that breaks it, described once: its name, its help, and what it
/// does to the plan.
struct FaultSwitch: Sendable {
  /// The long option, without dashes.
  let name: String
  /// What it does, for the help.
  let summary: String
  /// What a value must be, for the complaint; nil for a switch that may stand alone.
  let form: String?
  /// Puts the value into the plan; false when it is none.
  private let apply: @Sendable (inout FaultPlan, String) -> Bool

  /// Whether the option may stand alone.
  var isFlag: Bool { form == nil }

  /// Every switch, in the order of the help.
  static let all = [
    FaultSwitch(
      name: "fail-rate", summary: "The share of requests that are answered 503, from 0 to 1.",
      form: "a number from 0 to 1"
    ) { plan, value in
      guard let share = Double(value), (0...1).contains(share) else { return false }
      plan.failRate = share
      return true
    },
    FaultSwitch(
      name: "fail-seed", summary: "Which of them: the same number fails the same ones again (1).",
      form: "a whole number from 0"
    ) { plan, value in
      guard let seed = UInt64(value) else { return false }
      plan.seed = seed
      return true
    },
    FaultSwitch(
      name: "latency", summary: "Milliseconds that each answer waits.",
      form: "a number of milliseconds from 0 to \(millisecondsMax)"
    ) { plan, value in
      guard let milliseconds = Int(value), (0...millisecondsMax).contains(milliseconds) else {
        return false
      }
      plan.latencyMilliseconds = milliseconds
      return true
    },
    FaultSwitch(
      name: "down-after",
      summary: "Seconds after which connections are closed and refused from then on.",
      form: secondsForm
    ) { plan, value in
      plan.downAfterSeconds = seconds(value)
      return plan.downAfterSeconds != nil
    },
    FaultSwitch(
      name: "up-after", summary: "Seconds after going down when it listens again; else never.",
      form: secondsForm
    ) { plan, value in
      plan.upAfterSeconds = seconds(value)
      return plan.upAfterSeconds != nil
    },
    FaultSwitch(
      name: "no-feed", summary: "Answer 404 on /api/events, so that clients poll snapshots.",
      form: nil
    ) { plan, value in
      plan.hasFeed = value == "false"
      return ["true", "false"].contains(value)
    },
  ]

  /// The switch of the given name.
  static func named(_ name: String) -> FaultSwitch? { all.first { $0.name == name } }

  /// The plan that the given values make.
  ///
  /// - Throws: ``CommandOptions/Refusal`` for a value that is none, or a return without a fall.
  static func plan(
    _ values: [String: String]
  ) throws(CommandOptions.Refusal) -> FaultPlan {
    var plan = FaultPlan()
    for fault in all {
      guard let value = values[fault.name] else { continue }
      guard fault.apply(&plan, value) else {
        let form = fault.form ?? "true or false"
        throw CommandOptions.Refusal(reason: "--\(fault.name)=\(value): \(form) is wanted")
      }
    }
    if plan.upAfterSeconds != nil, plan.downAfterSeconds == nil {
      throw CommandOptions.Refusal(reason: "--up-after wants --down-after beside it")
    }
    return plan
  }

  private static let millisecondsMax = 600_000
  private static let secondsMax = 1_000_000.0
  private static let secondsForm = "a number of seconds from 0"

  private static func seconds(_ text: String) -> Double? {
    Double(text).flatMap { (0...secondsMax).contains($0) ? $0 : nil }
  }
}
