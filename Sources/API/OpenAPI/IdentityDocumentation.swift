internal import CRM
internal import JSON

// What the published document says of who is who, and of credits.
extension EndpointDocumentation {
  static let me = question(
    "me", tag: "identity", "Tells who the caller is and what they may do.",
    answer: "The caller.",
    SchemaPart.data(
      SchemaPart.object([
        "user": SchemaPart.object(
          SchemaPart.profile,
          optional: [
            "name", "email", "title", "department", "departmentId", "organizationId", "location",
          ]),
        "tenant": SchemaPart.named, "roles": SchemaPart.array(SchemaPart.named),
        "permissions": SchemaPart.array(SchemaPart.text),
        "organization": SchemaPart.organization,
        "session": SchemaPart.object([
          "id": SchemaPart.text, "authenticationMethod": SchemaPart.text,
          "expiresAt": SchemaPart.optionalTime,
        ]),
        "mode": ["type": "string", "enum": ["online", "degraded", "read_only"]],
      ])))

  static let checkPermission = question(
    "check-permissions", tag: "identity", "Tells whether a user may do something, and how far.",
    remarks: """
      Everybody may ask about themselves. Asking about others needs `crm.permissions.read` or \
      `crm.admin`.
      """,
    parameters: [
      .init(
        name: "permission", summary: "The permission: `crm.leads.read`.", schema: SchemaPart.text),
      .init(
        name: "userId", summary: "The user; the caller when it is left out.",
        schema: SchemaPart.text),
    ],
    answer: "The decision; source and scope are null where it is no.",
    SchemaPart.data(
      SchemaPart.object([
        "allowed": SchemaPart.flag,
        "source": [
          "type": ["string", "null"], "description": "`direct`, or `role:` and the role's name.",
        ],
        "scope": ["type": ["string", "null"], "enum": ["own", "team", "tenant", .null]],
      ])), problems: [404])

  static let tenant = question(
    "read-tenant", tag: "identity", "Reads the caller's tenant.", answer: "The tenant.",
    SchemaPart.data(
      SchemaPart.object([
        "id": SchemaPart.text, "name": SchemaPart.text, "branding": SchemaPart.anyObject,
        "features": SchemaPart.anyObject, "settings": SchemaPart.anyObject,
      ])))

  static let users = question(
    "list-users", tag: "people", "Lists the tenant's users by name.",
    parameters: Parameter.paging + [
      .init(
        name: "q", summary: "Words to find in name, address and title.", schema: SchemaPart.text),
      .init(
        name: "departmentId", summary: "A unit; users of units below it belong to it.",
        schema: SchemaPart.text),
      .init(
        name: "active", summary: "Only users who may act, or only the others.",
        schema: SchemaPart.flag),
    ],
    answer: "A page.", SchemaPart.list(SchemaPart.object(SchemaPart.profile)))

  static let user = question(
    "read-users", tag: "people", "Reads one user with roles.",
    remarks: "`permissions` stands in one's own profile, and for `crm.admin` in everybody's.",
    answer: "The user.",
    SchemaPart.data([
      "allOf": [
        SchemaPart.object(SchemaPart.profile),
        SchemaPart.object(
          [
            "roles": SchemaPart.array(SchemaPart.named), "organization": SchemaPart.organization,
            "permissions": SchemaPart.array(SchemaPart.text),
          ], optional: ["permissions"]),
      ]
    ]), problems: [404])

  static let hierarchy = question(
    "read-hierarchy-of-organizations", tag: "people",
    "Reads a unit of the organisation with all below it.",
    remarks: "The tenant's own id stands for its whole organisation.",
    answer: "The unit.",
    SchemaPart.data(
      SchemaPart.object([
        "entityId": SchemaPart.text,
        "entityType": ["type": "string", "enum": ["organization", "department", "team"]],
        "name": SchemaPart.text, "organizationId": SchemaPart.optionalText,
        "organizationName": SchemaPart.optionalText, "departmentId": SchemaPart.optionalText,
        "departmentName": SchemaPart.optionalText, "parentEntityId": SchemaPart.optionalText,
        "children": SchemaPart.array(SchemaPart.anyObject),
      ])), problems: [404])

  static let credits = question(
    "read-credits", tag: "credits", "Reads the balance, what was used, and the limits.",
    remarks: """
      The Wrapper is asked for the balance; what was spent here and is not yet counted there is \
      subtracted. Where it does not answer within a second the last known balance is given, with \
      `isFresh` false. `available` is the balance less what operations under way have set aside.
      """,
    answer: "Credits; null where nothing is known or there is no limit.",
    SchemaPart.data(
      SchemaPart.object([
        "balance": SchemaPart.optionalNumber, "available": SchemaPart.optionalNumber,
        "dailyUsage": SchemaPart.optionalNumber, "monthlyUsage": SchemaPart.optionalNumber,
        "dailyLimit": SchemaPart.optionalNumber, "monthlyLimit": SchemaPart.optionalNumber,
        "overageAllowed": SchemaPart.flag, "planType": SchemaPart.text,
        "featureLimits": SchemaPart.object([
          "contacts": feature, "deals": feature, "emails": feature, "storage": feature,
        ]),
        "pricing": SchemaPart.anyObject, "asOf": SchemaPart.optionalTime,
        "isFresh": SchemaPart.flag,
      ])))

  static let creditCosts = question(
    "list-costs-of-credits", tag: "credits", "Lists what operations cost.",
    parameters: Parameter.paging, answer: "A page.", SchemaPart.list(cost))

  static let creditCost = question(
    "read-cost-of-credits", tag: "credits", "Reads what one operation costs.",
    answer: "The cost.", SchemaPart.data(cost), problems: [404])

  static let creditTransactions = question(
    "list-transactions-of-credits", tag: "credits",
    "Lists the entries of the activity log that cost something, newest first.",
    remarks: "One's own; with `crm.activities.read` those that its scope reaches.",
    parameters: Parameter.paging + [
      .init(
        name: "since", summary: "A time, a day, or a distance back such as `7d`.",
        schema: SchemaPart.text),
      .init(name: "until", summary: "Likewise; not included.", schema: SchemaPart.text),
      .init(name: "userId", summary: "Who spent.", schema: SchemaPart.text),
      .init(
        name: "operation", summary: "An operation, or a beginning: `crm.leads.*`.",
        schema: SchemaPart.text),
    ],
    answer: "A page.",
    SchemaPart.list(
      SchemaPart.object([
        "id": SchemaPart.text, "timestamp": SchemaPart.time, "userId": SchemaPart.text,
        "userName": SchemaPart.optionalText, "operation": SchemaPart.text,
        "entityType": SchemaPart.optionalText, "entityId": SchemaPart.optionalText,
        "creditCost": SchemaPart.number, "sessionId": SchemaPart.optionalText,
      ])), problems: [504])

  private static let feature = SchemaPart.object([
    "limit": SchemaPart.optionalInteger, "used": SchemaPart.integer,
  ])

  private static let cost = SchemaPart.object([
    "operationCode": SchemaPart.text, "creditCost": SchemaPart.number,
  ])
}
