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
    do {
      try await serve(configuration)
      return Program.ExitCode.success
    } catch {
      Terminal.error("cardfile wrapper: \(StartFailure.explanation(of: error, configuration))")
      return Program.ExitCode.failure
    }
  }

  private static func serve(_ configuration: ServerConfiguration) async throws {
    let database = try ServeCommand.open(configuration)
    defer { database.close() }
    let given = configuration.wrapper.apiKey
    let key = given.isEmpty ? Base64.encodeURL(RandomSource.system.bytes(32)) : given
    let wrapper = EmbeddedWrapper(
      database: database, address: configuration.address, port: configuration.port, apiKey: key)
    let login = configuration.isDemo ? try await DemoLogin.prepare(wrapper) : nil
    let signals = await Signals.take(reload: {})
    let port = try wrapper.start()
    Terminal.output("The Wrapper is listening on http://\(configuration.host):\(port)")
    if given.isEmpty { Terminal.output("WRAPPER_API_KEY=\(key)") }
    if let login { Terminal.output("Sign in: \(login.email) \(login.password)") }
    await signals.waitForStop()
    await wrapper.stop()
  }
}
