internal import API
internal import CRM
internal import Cryptography
internal import Database
internal import EmbeddedWrapper
internal import Foundation
internal import HTTPServer
internal import Values
internal import WrapperClient

/// `cardfile serve`.
enum ServeCommand {
  /// How long accepted requests may take after SIGTERM.
  ///
  /// The Wrapper's client takes 3 seconds more at most, and all of it must fit into 10.
  private static let graceSeconds = 5.0
  /// How often expired things are forgotten.
  private static let housekeepingSeconds = 3600.0
  /// How long after the start past time is first summed for reports.
  private static let blocksStartSeconds = 30.0

  static func run(_ options: CommandOptions) async -> Int32 {
    let configuration: ServerConfiguration
    do {
      configuration = try Self.configuration(options)
    } catch {
      Terminal.error("cardfile serve: \(StartFailure.explanation(ofSettings: error))")
      return Program.ExitCode.usage
    }
    // Before anything is opened: a start may take a while, and a signal may come at once.
    let signals = await Signals.take()
    let log = Log(
      level: configuration.logLevel, format: configuration.logFormat, output: Terminal.log)
    for warning in configuration.warnings { log.write(.warning, warning) }
    defer { log.close() }
    do {
      try await serve(configuration, options, log, signals)
      return Program.ExitCode.success
    } catch {
      Terminal.error("cardfile serve: \(StartFailure.explanation(of: error, configuration))")
      return Program.ExitCode.failure
    }
  }

  /// The settings as they are now, but for the one that is called `omitted`, if any.
  ///
  /// - Throws: ``ServerConfiguration/Invalid``, ``EnvironmentFile/Refusal``.
  static func configuration(
    _ options: CommandOptions, without omitted: String? = nil
  ) throws -> ServerConfiguration {
    let setting = Setting.all.first { $0.name == omitted }
    let names = setting.map { [$0.name] + $0.aliases } ?? []
    return try ServerConfiguration(
      flags: options.flags,
      environment: ProcessInfo.processInfo.environment.filter { !names.contains($0.key) },
      file: EnvironmentFile.read(".env").filter { !names.contains($0.key) },
      version: Program.version)
  }

  private static func serve(
    _ configuration: ServerConfiguration, _ options: CommandOptions, _ log: Log,
    _ signals: Signals
  ) async throws {
    let database = try open(configuration)
    defer { database.close() }
    var wrapperConfiguration = configuration.wrapper
    var embedded: EmbeddedWrapper?
    if configuration.wrapperURL == nil {
      let key = Base64.encodeURL(RandomSource.system.bytes(32))
      let wrapper = EmbeddedWrapper(
        database: database, apiKey: key, time: .system, random: .system)
      wrapperConfiguration.apiKey = key
      wrapperConfiguration.baseURL = "http://127.0.0.1:\(try wrapper.start())"
      embedded = wrapper
    }
    let client = { [wrapperConfiguration] in
      Wrapper(
        wrapperConfiguration, database: database, time: .system, random: .system
      ) { level, message in log.write(Log.Level(level), message) }
    }
    var demo: DemoLogin?
    let wrapper = client()
    let outcome: Result<Void, any Error>
    do {
      if let embedded, configuration.isDemo {
        demo = try await DemoLogin.prepare(embedded)
        try await DemoRecords.fill(
          database, tenantID: DemoCompany.tenantID, client: client,
          isStopping: signals.isStopping)
      }
      let server = RunningParts(
        configuration: configuration, options: options, log: log, database: database,
        wrapper: wrapper, embedded: embedded, demo: demo)
      if !signals.isStopping() { try await serve(server, signals) }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    // However serving ended: both use the database until they are stopped.
    await wrapper.stop()
    await embedded?.stop()
    try outcome.get()
  }

  /// What is there when the server begins to listen.
  private struct RunningParts {
    let configuration: ServerConfiguration
    let options: CommandOptions
    let log: Log
    let database: Database
    let wrapper: Wrapper
    let embedded: EmbeddedWrapper?
    let demo: DemoLogin?
  }

  /// Serves until a signal asks for the end.
  private static func serve(_ parts: RunningParts, _ signals: Signals) async throws {
    let (configuration, log, wrapper) = (parts.configuration, parts.log, parts.wrapper)
    await wrapper.start()
    let store = try RecordStore(parts.database, catalog: .standard) {
      wrapper.activityQueued(tenantID: $0)
    }
    if let count = try await store.updateSearchFormat(), count > 0 {
      log.write(.info, "made full text anew for \(count) records")
    }
    let keys = try SigningKeys.load(
      setting: configuration.signingKey, databasePath: parts.database.path, mayCreate: true)
    var api = configuration.api
    api.logKeys = keys
    let application = Application(
      configuration: api, store: store, database: parts.database, wrapper: wrapper,
      directory: parts.embedded.map { embedded in
        DirectoryAdministration { await embedded.administer($0, in: $1) }
      },
      log: log)
    let server = HTTPServer(configuration: try server(configuration), application: application)
    let control = controlSocket(parts, store)
    signals.onReload { [options = parts.options] in reload(options, server, log) }
    let outcome: Result<Void, any Error>
    do {
      let port = try server.start()
      let setupToken =
        parts.demo == nil ? try await parts.embedded?.directory.makeSetupToken() : nil
      Greeting.print(configuration, port: port, demo: parts.demo, setupToken: setupToken)
      let housekeeping = Task { await keepHouse(store, configuration, log) }
      let reminding = Task {
        await store.remind { error in
          log.write(.error, "reminders could not be fired and will be tried again: \(error)")
        }
      }
      let signing = Task { await sign(store, keys, log) }
      let retention = Task { await keepRetention(store, configuration, log) }
      let recording = Task {
        await store.keepWritingBufferedActivities { error in
          log.write(.error, "entries could not be written and will be tried again: \(error)")
        }
      }
      await signals.waitForStop()
      log.write(.info, "stopping: finishing what was accepted")
      signing.cancel()
      retention.cancel()
      // They are not waited for: the closed database refuses what they would still do.
      housekeeping.cancel()
      reminding.cancel()
      recording.cancel()
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    // Both at once: all stopping together must fit into 10 seconds.
    async let isControlStopped: Void? = control?.stop()
    await server.stop(graceSeconds: graceSeconds)
    _ = await isControlStopped
    do {
      try await store.writeBufferedActivities()
    } catch {
      log.write(
        .error, "\(store.bufferedActivities) entries of the log were lost at the stop: \(error)")
    }
    await application.stop()
    await signRest(store, keys, log)
    try outcome.get()
  }

  /// Opens the way for commands; a file system without sockets must not stop the server.
  private static func controlSocket(
    _ parts: RunningParts, _ store: RecordStore
  ) -> ControlSocket? {
    do {
      return try ControlSocket(
        databasePath: parts.configuration.databasePath,
        application: ControlApplication(
          store: store,
          directory: ActivityControl(
            store: store,
            next: parts.embedded.map { embedded in
              DirectoryCommands(store: store, directory: embedded.administration) {
                await embedded.administer($0, in: $1)
              }
            })))
    } catch {
      parts.log.write(
        .warning, "commands such as cardfile user cannot reach this server: \(error)")
      return nil
    }
  }

  /// Opens the file, in a folder that is made when it is missing.
  static func open(_ configuration: ServerConfiguration) throws -> Database {
    let folder = URL(fileURLWithPath: configuration.databasePath).deletingLastPathComponent()
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    var database = DatabaseConfiguration(path: configuration.databasePath)
    database.checkpointing = !configuration.isLitestream
    return try Database(database)
  }

  private static func server(_ configuration: ServerConfiguration) throws
    -> HTTPServerConfiguration
  {
    HTTPServerConfiguration(
      address: configuration.address, port: configuration.port,
      tls: try configuration.tls.map(identity))
  }

  static func identity(_ paths: ServerConfiguration.TLSPaths) throws -> TLSIdentity {
    TLSIdentity(
      certificateChain: Array(try Data(contentsOf: URL(fileURLWithPath: paths.certificate))),
      privateKey: Array(try Data(contentsOf: URL(fileURLWithPath: paths.key))))
  }

  /// Takes the TLS files and the log level as they are now; every other setting stays.
  private static func reload(_ options: CommandOptions, _ server: HTTPServer, _ log: Log) {
    do {
      let configuration = try configuration(options)
      if let paths = configuration.tls { try server.reload(tls: identity(paths)) }
      log.level = configuration.logLevel
      log.write(.info, "read the TLS files and the log level again")
    } catch {
      log.write(
        .error, "SIGHUP: nothing was changed: \(StartFailure.explanation(ofSettings: error))")
    }
  }

  private static func keepHouse(
    _ store: RecordStore, _ configuration: ServerConfiguration, _ log: Log
  ) async {
    // Whoever has just come first wants answers; reports are right without blocks too.
    var pause = blocksStartSeconds
    while !Task.isCancelled {
      do {
        try await store.forgetExpired(trashDays: configuration.trashDays)
        if pause > 0 { try await Task.sleep(for: .seconds(pause)) }
        pause = 0
        try await store.closeActivityBlocks()
        // The clock of housekeeping: nothing signals that a day has passed.
        try await Task.sleep(for: .seconds(housekeepingSeconds))
      } catch is CancellationError {
        return
      } catch {
        guard !Task.isCancelled else { return }
        log.write(.error, "housekeeping failed and will be tried again: \(error)")
        // The same clock after a failure; only cancellation ends it early.
        try? await Task.sleep(for: .seconds(60))
      }
    }
  }
}

// Checkpoints of the activity log.
extension ServeCommand {
  /// Signs the log as it grows.
  private static func sign(_ store: RecordStore, _ keys: LogKeys, _ log: Log) async {
    guard let key = keys.signer else { return }
    await store.signCheckpoints(key) {
      note($0, log)
    } failed: { error in
      log.write(.error, "the activity log was not signed, which will be tried again: \(error)")
    }
  }

  /// How often it is looked for segments that retention removes, and how long after the start: what
  /// is to be removed must be signed and shipped first.
  private static let retentionSeconds = 600.0
  private static let retentionStartSeconds = 15.0

  /// Removes what is older than the setting says, until the calling task is cancelled.
  private static func keepRetention(
    _ store: RecordStore, _ configuration: ServerConfiguration, _ log: Log
  ) async {
    guard let days = configuration.activityRetentionDays else { return }
    var pause = retentionStartSeconds
    while !Task.isCancelled {
      do {
        // Nothing signals that an entry has grown old.
        try await Task.sleep(for: .seconds(pause))
        pause = retentionSeconds
        let count = try await store.removeExpiredActivities(days: days)
        if count > 0 { log.write(.info, "retention removed \(count) activities") }
      } catch {
        guard !Task.isCancelled else { return }
        log.write(.error, "retention failed and will be tried again: \(error)")
      }
    }
  }

  /// Signs what came since, before the Wrapper's client ships the rest.
  private static func signRest(_ store: RecordStore, _ keys: LogKeys, _ log: Log) async {
    guard let key = keys.signer else { return }
    do {
      try await store.signRest(key) { note($0, log) }
    } catch {
      log.write(.error, "the end of the activity log was not signed: \(error)")
    }
  }

  private static func note(_ checkpoint: Checkpoint, _ log: Log) {
    log.write(.info, "checkpoint", "checkpoint", checkpoint.json)
  }
}

extension Log.Level {
  fileprivate init(_ level: WrapperLogLevel) {
    switch level {
    case .debug: self = .debug
    case .info: self = .info
    case .warning: self = .warning
    case .error: self = .error
    }
  }
}
