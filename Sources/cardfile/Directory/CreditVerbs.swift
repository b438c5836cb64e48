internal import HTTP
internal import JSON

extension DirectoryNoun {
  static let credits = DirectoryNoun(
    name: "credits", summary: "what operations cost, and what a tenant has",
    verbs: [show, set, topUp, cost])

  private static let columns: [VerbOutput.Column] = [
    .init("AVAILABLE", "available"), .init("USED TODAY", "dailyUsage"),
    .init("USED THIS MONTH", "monthlyUsage"), .init("PLAN", "planType"),
    .init("DAILY LIMIT", "dailyLimit"), .init("MONTHLY LIMIT", "monthlyLimit"),
    .init("OVERAGE", "overageAllowed"), .init("PLAN LIMITS", "featureLimits"),
    .init("COSTS", "costs"),
  ]

  private static let show = DirectoryVerb(
    name: "show", aliases: ["list"], summary: "Shows balance, usage, plan and costs.",
    examples: ["credits show", "credits show --json"]
  ) { call in
    .record(readable(try await call.send(.get, "credits"), call), columns: columns)
  }

  private static let set = DirectoryVerb(
    name: "set",
    options: [
      .init(name: "plan", kind: .text(), summary: "The plan's name.", member: "planType"),
      .init(
        name: "daily-limit", kind: .limit, value: "AMOUNT|none",
        summary: "The most that is spent in a day.", member: "dailyLimit"),
      .init(
        name: "monthly-limit", kind: .limit, value: "AMOUNT|none",
        summary: "The most that is spent in a month.", member: "monthlyLimit"),
      .init(
        name: "overage", kind: .truth, value: "true|false",
        summary: "Whether balance and limits may be exceeded.", member: "overageAllowed"),
      .init(
        name: "plan-limit", kind: .members, value: "NAME=VALUE",
        summary: "contacts=500, deals=, emails= or storage=5GB; several together are all of them.",
        member: "featureLimits"),
    ],
    summary: "Changes the plan; what is not named stays.",
    examples: [
      "credits set --daily-limit 500 --monthly-limit none --overage false",
      "credits set --plan team --plan-limit contacts=1000 --plan-limit storage=5GB",
    ]
  ) { call in
    let plan = try await call.send(.patch, "credits", try await call.changes())
    return .done("changed the plan \(plan["planType"]?.string ?? "")", plan)
  }

  private static let topUp = DirectoryVerb(
    name: "top-up", aliases: ["add"], operands: ["AMOUNT"],
    options: [
      .init(name: "reason", kind: .text(), summary: "Why, for the record.", member: "reason")
    ],
    summary: "Adds credits to the account; a negative amount takes some away.",
    examples: [#"credits top-up 1000 --reason "order 4711""#]
  ) { call in
    var body = try await call.body()
    body["amount"] = try DirectoryCall.number(call.operand("AMOUNT"), "AMOUNT")
    let account = try await call.send(.post, "credits/top-up", body)
    return .done("\(VerbPrinter.text(account["available"])) credits are available", account)
  }

  private static let cost = DirectoryVerb(
    name: "cost", operands: ["OPERATION", "AMOUNT|none"],
    summary: "Sets what an operation costs; none makes it free.",
    examples: ["credits cost crm.leads.create 5", "credits cost crm.leads.create none"]
  ) { call in
    let path = "credits/operations/\(call.encoded("OPERATION"))"
    let operation = call.operand("OPERATION")
    let amount = call.operand("AMOUNT|none")
    guard amount != "none" else {
      return .done("\(operation) is free", try await call.send(.delete, path))
    }
    let cost = try DirectoryCall.number(amount, "AMOUNT")
    return .done(
      "\(operation) costs \(amount)",
      try await call.send(.put, path, JSONObject([("creditCost", cost)])))
  }

  /// The costs as one text, where they are for a person to read.
  private static func readable(_ credits: JSONValue, _ call: DirectoryCall) -> JSONValue {
    guard !call.arguments.isJSON, var object = credits.object else { return credits }
    let costs = object["operations"]?.array ?? []
    object["costs"] = .array(
      costs.map { cost in
        .string(
          "\(cost["operationCode"]?.string ?? "") \(VerbPrinter.text(cost["creditCost"]))")
      })
    return .object(object)
  }
}
