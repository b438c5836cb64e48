internal import API
internal import Cryptography
internal import Database
internal import EmbeddedWrapper
internal import Foundation
internal import Values
internal import WrapperClient

/// `cardfile wrapper`: the embedded Wrapper alone, so that a program can be developed against it.
enum WrapperCommand {
  static func run(_ options: CommandOptions) async -> Int32 {
    let configuration: ServerConfiguration
    do {
      // A Wrapper has none above it: what the same .env says about one is for `serve`.
      configuration = try ServeCommand.configuration(options, without: "WRAPPER_API_BASE_URL")
    } catch {
      Terminal.error("cardfile wrapper: \(StartFailure.explanation(ofSettings: error))")
      return Program.ExitCode.usage
    }
    let faults: FaultPlan
    do {
      faults = try FaultSwitch.plan(options.switches)
    } catch {
      Terminal.error("cardfile wrapper: \(error.reason)")
      return Program.ExitCode.usage
    }
    let signals = await Signals.take()
    do {
      try await serve(configuration, faults, signals)
      return Program.ExitCode.success
    } catch {
      Terminal.error("cardfile wrapper: \(StartFailure.explanation(of: error, configuration))")
      return Program.ExitCode.failure
    }
  }

  private static func serve(
    _ configuration: ServerConfiguration, _ faults: FaultPlan, _ signals: Signals
  ) async throws {
    let database = try ServeCommand.open(configuration)
    defer { database.close() }
    let given = configuration.wrapper.apiKey
    let key = given.isEmpty ? Base64.encodeURL(RandomSource.system.bytes(32)) : given
    var serving = EmbeddedWrapperConfiguration()
    serving.address = configuration.address
    serving.port = configuration.port
    serving.tls = try configuration.tls.map(ServeCommand.identity)
    serving.isBehindProxy = configuration.isBehindProxy
    // Several servers may follow it, and each learns of the others' entries.
    serving.announcesActivities = true
    serving.faults = faults
    let wrapper = EmbeddedWrapper(database: database, configuration: serving, apiKey: key)
    let login = configuration.isDemo ? try await DemoLogin.prepare(wrapper) : nil
    let port = try wrapper.start()
    let control = controlSocket(configuration, wrapper)
    let scheme = configuration.tls == nil ? "http" : "https"
    Terminal.output("The Wrapper is listening on \(scheme)://\(configuration.host):\(port)")
    if given.isEmpty { Terminal.output("WRAPPER_API_KEY=\(key)") }
    if let login { Terminal.output("Sign in: \(login.email) \(login.password)") }
    await signals.waitForStop()
    await control?.stop()
    await wrapper.stop()
  }

  /// Opens the way for commands; a file system without sockets must not stop the Wrapper.
  private static func controlSocket(
    _ configuration: ServerConfiguration, _ wrapper: EmbeddedWrapper
  ) -> ControlSocket? {
    do {
      return try ControlSocket(
        databasePath: configuration.databasePath,
        application: ControlApplication(store: nil, directory: wrapper.administration))
    } catch {
      Terminal.error("commands such as cardfile user cannot reach this Wrapper: \(error)")
      return nil
    }
  }
}
