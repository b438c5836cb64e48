internal import JSON

// What the published document says of following the Wrapper, of caches and of shipping.
extension EndpointDocumentation {
  static let syncStatus = question(
    "status-of-sync", tag: "sync", "Tells how the Wrapper's truth about the tenant stands.",
    remarks: "Needs `crm.sync.read` or `crm.admin`.", answer: "The state.",
    SchemaPart.data(syncState))

  static let syncRefresh = Self(
    operationID: "refresh-sync", tag: "sync",
    summary: "Asks the Wrapper for everything about the tenant and ships what waits, now.",
    answers: [
      .init(
        status: 200, summary: "How things stand then; after a second at most.",
        schema: SchemaPart.mutation(syncState))
    ],
    problems: common + [409, 422, 507], headers: ["Idempotency-Key", "X-Reason"])

  static let cacheMetrics = question(
    "metrics-of-cache", tag: "sync", "Tells how the tenant's caches are used.",
    remarks: """
      Needs `crm.cache.read` or `crm.admin`. Rates are hits over lookups, from 0 to 1; sizes are \
      numbers of entries; `memoryBudgetBytes` is for all tenants together.
      """, answer: "The figures.",
    SchemaPart.object([
      "criticalHitRate": SchemaPart.number, "operationalHitRate": SchemaPart.number,
      "overallHitRate": SchemaPart.number, "totalRequests": SchemaPart.integer,
      "cacheSizes": SchemaPart.object([
        "critical": SchemaPart.object([
          "creditCosts": SchemaPart.integer, "userPermissions": SchemaPart.integer,
          "userRoles": SchemaPart.integer, "activeUsers": SchemaPart.integer,
        ]),
        "operational": SchemaPart.object([
          "userProfiles": SchemaPart.integer, "organizationHierarchy": SchemaPart.integer,
          "roleDefinitions": SchemaPart.integer, "departmentMappings": SchemaPart.integer,
        ]),
        "activity": SchemaPart.integer,
      ]),
      "memoryBytes": SchemaPart.integer, "memoryBudgetBytes": SchemaPart.integer,
    ]))

  static let activityMetrics = question(
    "metrics-of-activities", tag: "sync", "Tells how the shipping of activities stands.",
    remarks: """
      Needs `crm.activities.read` or `crm.admin`. `flushInterval` is in milliseconds, `errorRate` \
      the part of calls that failed, from 0 to 1.
      """, answer: "The figures.",
    SchemaPart.object([
      "bufferSize": SchemaPart.integer, "cacheSize": SchemaPart.integer,
      "totalLogged": SchemaPart.integer, "flushInterval": SchemaPart.integer,
      "errorRate": SchemaPart.number, "outboxDepth": SchemaPart.integer,
      "oldestPendingSeconds": SchemaPart.number, "deadLetters": SchemaPart.integer,
    ]))

  private static let syncState = SchemaPart.object([
    "tenantId": SchemaPart.text,
    "mode": ["type": "string", "enum": ["online", "degraded", "read_only"]],
    "feed": ["type": "string", "enum": ["feed", "snapshots"]],
    "cursor": SchemaPart.optionalText,
    "lastSuccess": SchemaPart.optionalTime, "stalenessSeconds": SchemaPart.optionalNumber,
    "failuresInARow": SchemaPart.integer, "nextAttempt": SchemaPart.optionalTime,
    "rejectedAnswers": SchemaPart.integer, "outboxDepth": SchemaPart.optionalInteger,
    "oldestPendingSeconds": SchemaPart.number,
  ])
}
