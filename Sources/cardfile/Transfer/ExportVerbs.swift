internal import Foundation
internal import HTTP
internal import JSON

extension DirectoryNoun {
  static let export = DirectoryNoun(
    name: "export", summary: "writes what is in the file for other programs", verbs: [activities])

  private static let activities = DirectoryVerb(
    name: "activities",
    options: [
      .init(
        name: "format", kind: .choice(["ndjson", "csv"]), value: "ndjson|csv",
        summary: "One JSON object a line (the default), or CSV.", member: "format"),
      .init(
        name: "output", kind: .text(), value: "FILE",
        summary: "The file that is written; standard output without it."),
      .init(
        name: "since", kind: .text(), value: "TIME",
        summary: "A time, a day or a distance back such as 30d.", member: "since"),
      .init(
        name: "until", kind: .text(), value: "TIME", summary: "Likewise; not included.",
        member: "until"),
      .init(name: "user", kind: .text(), value: "ID", summary: "Who acted.", member: "userId"),
      .init(
        name: "operation", kind: .text(), value: "NAME",
        summary: "An operation, or several: crm.leads.*", member: "operation"),
      .init(
        name: "entity-type", kind: .text(), value: "KIND", summary: "The kind of record.",
        member: "entityType"),
      .init(
        name: "entity", kind: .text(), value: "ID", summary: "The record.", member: "entityId"),
      .init(
        name: "session", kind: .text(), value: "ID", summary: "The session.",
        member: "sessionId"),
    ],
    summary: "Writes the activity log, oldest entry first, with all that proves it.",
    examples: [
      "export activities --output activities.ndjson",
      "export activities --format csv --since 30d --operation 'crm.leads.*'",
    ],
    isOfDirectory: false,
    fallbackTenant: { _, access in
      // A log may lie in a file without a directory.
      let answer = try await access.send(
        .get, "\(ActivityControl.path)/tenants", tenantID: nil)
      try ActivityFileWriter.check(answer)
      let tenants = (answer.body.array ?? []).compactMap(\.string)
      guard tenants.count <= 1 else {
        throw CommandFailure.usage(
          "--tenant is wanted: one of \(tenants.prefix(20).joined(separator: ", "))")
      }
      return tenants.first
    }
  ) { call in
    try await ActivityFileWriter(call).run()
  }
}

/// Writes an export to a file or to standard output.
struct ActivityFileWriter {
  private let call: DirectoryCall
  private let path: String?

  init(_ call: DirectoryCall) {
    self.call = call
    path = call.arguments.options["output"]?.last
  }

  func run() async throws -> VerbOutput {
    let query = try await call.body()
    let items = query.members.map { "\($0.name)=\(PercentEncoding.encode($0.value.string ?? ""))" }
    let target = "\(ActivityControl.path)/export?\(items.joined(separator: "&"))"
    guard let path else {
      let (answer, _) = try await call.access.receive(target, tenantID: tenantID) { bytes in
        try FileHandle.standardOutput.write(contentsOf: Data(bytes))
      }
      try Self.check(answer)
      return .nothing
    }
    let id = try await write(target, to: path)
    let manifest = try await manifest(id)
    if query["format"]?.string == "csv" {
      let json = JSONValue.object(JSONObject([("manifest", manifest)])).bytes
      try PrivateFile.write(json + [0x0a], to: "\(path).manifest.json")
    }
    return .done(
      "wrote \(VerbPrinter.text(manifest["rows"])) entries of \(tenantID) to \(path)", manifest)
  }

  private var tenantID: String { call.tenantID ?? "" }

  /// Writes the file under another name, so that a file of this name is always a whole one.
  ///
  /// - Returns: the id of the entry that tells of the export.
  private func write(_ target: String, to path: String) async throws -> String {
    let partial = "\(path).partial"
    let file = try PrivateFile.create(partial)
    do {
      let (answer, headers) = try await call.access.receive(target, tenantID: tenantID) {
        try file.write(contentsOf: Data($0))
      }
      try Self.check(answer)
      try file.synchronize()
      try file.close()
      try PrivateFile.move(partial, to: path)
      return headers[ActivityControl.exportField] ?? ""
    } catch {
      // What is left of it says itself what it is.
      try? FileManager.default.removeItem(atPath: partial)
      throw error
    }
  }

  private func manifest(_ id: String) async throws -> JSONValue {
    let answer = try await call.access.send(
      .get, "\(ActivityControl.path)/manifest?export=\(PercentEncoding.encode(id))",
      tenantID: tenantID)
    try Self.check(answer)
    return answer.body
  }

  static func check(_ answer: DirectoryAccess.Answer) throws(CommandFailure) {
    guard answer.status != 200 else { return }
    throw .failed(answer.body["detail"]?.string ?? "the server refused (\(answer.status))")
  }
}

/// Files that only their owner may read: they hold what people did.
enum PrivateFile {
  static func create(_ path: String) throws(CommandFailure) -> FileHandle {
    guard
      FileManager.default.createFile(
        atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
      let file = FileHandle(forWritingAtPath: path)
    else { throw .failed("\(path) cannot be written") }
    return file
  }

  static func write(_ bytes: [UInt8], to path: String) throws {
    let file = try create(path)
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }

  /// Puts a file into the place of another.
  static func move(_ path: String, to place: String) throws(CommandFailure) {
    guard rename(path, place) == 0 else { throw .failed("\(place) cannot be written") }
  }
}
