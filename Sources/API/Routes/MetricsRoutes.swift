internal import CRM
internal import Cryptography
internal import Database
internal import HTTP
internal import Values
internal import WrapperClient

/// `GET /metrics`: the state of the server in numbers, without any tenant's or user's name.
struct MetricsRoutes: Sendable {
  let requests: RequestMetrics
  let store: RecordStore
  let database: Database
  let wrapper: Wrapper
  let configuration: APIConfiguration
  let time: TimeSource

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/metrics", access: .open, .metrics,
        handler: .open { request, _ in
          try checkToken(request.head)
          return HTTPResponse(
            status: 200,
            headers: [
              "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
              "Cache-Control": "no-store",
            ], body: .bytes(Array(page().utf8)))
        })
    ]
  }

  /// - Throws: 401 when a token is configured and the request does not carry it.
  private func checkToken(_ head: HTTPRequestHead) throws(Problem) {
    guard let expected = configuration.metricsToken else { return }
    let given = try Authenticator.bearerToken(head)
    guard ConstantTime.areEqual(Array(given.utf8), Array(expected.utf8)) else {
      throw .unauthenticated("The token is not the one of CRM_METRICS_TOKEN.")
    }
  }

  private func page() -> String {
    var text = MetricsText()
    text.metric("cardfile_info", .gauge, "The program's version.")
    text.sample("cardfile_info", [("version", configuration.version)], 1)
    if let bytes = ProcessMemory.residentBytes {
      text.single("cardfile_memory_bytes", .gauge, "Resident memory of the process.", bytes)
    }
    addRequests(to: &text)
    addDatabase(to: &text)
    addWrapper(to: &text)
    return text.text
  }

  private func addRequests(to text: inout MetricsText) {
    let snapshot = requests.snapshot
    text.metric("cardfile_http_requests_total", .counter, "Requests answered.")
    for (route, series) in snapshot {
      for (status, count) in series.statuses.sorted(by: { $0.key < $1.key }) {
        text.sample(
          "cardfile_http_requests_total", Self.labels(route) + [("status", String(status))], count)
      }
    }
    let name = "cardfile_http_request_duration_seconds"
    text.metric(name, .histogram, "From the head of a request to the end of its answer.")
    for (route, series) in snapshot {
      var sum = 0
      for (bound, count) in zip(RequestMetrics.boundsMicroseconds, series.buckets) {
        sum += count
        let limit = ("le", "\(Double(bound) / 1e6)")
        text.sample("\(name)_bucket", Self.labels(route) + [limit], sum)
      }
      text.sample("\(name)_bucket", Self.labels(route) + [("le", "+Inf")], series.count)
      text.sample(
        "\(name)_sum", Self.labels(route), seconds: Double(series.totalNanoseconds) / 1e9)
      text.sample("\(name)_count", Self.labels(route), series.count)
    }
  }

  private static func labels(_ route: RequestMetrics.Route) -> [(String, String)] {
    [("method", route.method), ("route", route.pattern)]
  }

  private func addDatabase(to text: inout MetricsText) {
    let metrics = database.metrics
    text.single(
      "cardfile_writer_queue_depth", .gauge, "Mutations that wait for the writer.",
      metrics.queueDepth)
    text.single(
      "cardfile_writer_mutations_total", .counter, "Mutations committed.", metrics.mutations)
    text.single(
      "cardfile_writer_mutations_failed_total", .counter, "Mutations that failed.",
      metrics.failedMutations)
    text.single(
      "cardfile_writer_commits_total", .counter, "Transactions committed.", metrics.batches)
    text.single(
      "cardfile_writer_batch_size_last", .gauge, "Mutations in the latest transaction.",
      metrics.lastBatchSize)
    text.single(
      "cardfile_writer_batch_size_max", .gauge, "Mutations in the largest transaction.",
      metrics.maximumBatchSize)
    text.single(
      "cardfile_writer_commit_seconds_total", .counter, "Time that all commits took.",
      seconds: Double(metrics.commitNanosecondsTotal) / 1e9)
    text.single(
      "cardfile_writer_commit_seconds_max", .gauge, "Time that the longest commit took.",
      seconds: Double(metrics.commitNanosecondsMaximum) / 1e9)
    text.single(
      "cardfile_readers_in_use", .gauge, "Reader connections at work.", metrics.readersInUse)
    text.single(
      "cardfile_checkpoints_total", .counter,
      "Times that the write-ahead log was moved into the file.", metrics.checkpoints)
    text.single(
      "cardfile_database_bytes", .gauge, "Size of the database file.", Int(metrics.databaseBytes))
    text.single(
      "cardfile_wal_bytes", .gauge, "Size of the write-ahead log.", Int(metrics.walBytes))
  }

  private func addWrapper(to text: inout MetricsText) {
    let tenants = wrapper.status
    text.metric("cardfile_wrapper_tenants", .gauge, "Tenants followed, by mode.")
    for mode in [SyncMode.online, .degraded, .readOnly] {
      text.sample(
        "cardfile_wrapper_tenants", [("mode", mode.rawValue)], tenants.count { $0.mode == mode })
    }
    text.single(
      "cardfile_wrapper_failures_in_row_max", .gauge,
      "Failed looks at the Wrapper in a row, of the tenant with the most.",
      tenants.map(\.failuresInRow).max() ?? 0)
    let now = time.now().milliseconds
    func age(_ moment: Timestamp?) -> Double {
      moment.map { max(0, Double(now - $0.milliseconds) / 1000) } ?? 0
    }
    text.single(
      "cardfile_wrapper_staleness_seconds_max", .gauge,
      "Age of the oldest permissions in use.",
      seconds: age(tenants.compactMap(\.lastSuccess).min()))
    addOutbox(tenants, age, to: &text)
    addCalls(to: &text)
    addCaches(to: &text)
  }

  private func addOutbox(
    _ tenants: [TenantSyncStatus], _ age: (Timestamp?) -> Double, to text: inout MetricsText
  ) {
    text.single(
      "cardfile_activities_buffered", .gauge, "Entries of reads that wait to be written.",
      store.bufferedActivities)
    text.single(
      "cardfile_outbox_depth", .gauge, "Activities that the Wrapper has not acknowledged.",
      tenants.reduce(0) { $0 + ($1.outboxDepth ?? 0) })
    text.single(
      "cardfile_outbox_oldest_seconds", .gauge, "Age of the oldest of them.",
      seconds: age(tenants.compactMap(\.outboxOldest).min()))
    // A file that cannot be read has no figure, and a metric that is missing says so.
    if let letters = try? wrapper.deadLetters() {
      text.single(
        "cardfile_outbox_dead_letters", .gauge, "Activities that the Wrapper refused for good.",
        letters)
    }
  }

  private func addCalls(to text: inout MetricsText) {
    let calls = wrapper.calls.sorted { $0.key < $1.key }
    text.metric("cardfile_wrapper_calls_total", .counter, "Calls to the Wrapper, by outcome.")
    for (endpoint, statistics) in calls {
      for (outcome, count) in statistics.outcomes.sorted(by: { $0.key < $1.key }) {
        text.sample(
          "cardfile_wrapper_calls_total", [("endpoint", endpoint), ("outcome", outcome)], count)
      }
    }
    let name = "cardfile_wrapper_call_duration_seconds"
    text.metric(name, .summary, "How long the calls took; the feed's are held on purpose.")
    for (endpoint, statistics) in calls {
      text.sample(
        "\(name)_sum", [("endpoint", endpoint)],
        seconds: Double(statistics.totalNanoseconds) / 1e9)
      text.sample("\(name)_count", [("endpoint", endpoint)], statistics.count)
    }
    text.single(
      "cardfile_events_applied_total", .counter, "Events of the change feed that were applied.",
      wrapper.appliedEvents)
    text.metric(
      "cardfile_events_rejected_total", .counter, "Events of the change feed that were dropped.")
    let rejected = wrapper.rejectedEvents
    for reason in RejectionReason.allCases {
      text.sample(
        "cardfile_events_rejected_total", [("reason", reason.rawValue)], rejected[reason] ?? 0)
    }
  }

  private func addCaches(to text: inout MetricsText) {
    let caches = wrapper.cacheMetrics()
    text.metric("cardfile_cache_lookups_total", .counter, "Questions to the caches, by tier.")
    text.sample("cardfile_cache_lookups_total", [("tier", "critical")], caches.criticalLookups)
    text.sample(
      "cardfile_cache_lookups_total", [("tier", "operational")], caches.operationalLookups)
    text.metric("cardfile_cache_hits_total", .counter, "Those answered from memory.")
    text.sample("cardfile_cache_hits_total", [("tier", "critical")], caches.criticalHits)
    text.sample("cardfile_cache_hits_total", [("tier", "operational")], caches.operationalHits)
    text.single(
      "cardfile_cache_bytes", .gauge, "Estimate of what the caches occupy.", caches.memoryBytes)
    text.single(
      "cardfile_cache_budget_bytes", .gauge, "What they may occupy.", caches.memoryBudgetBytes)
  }
}
