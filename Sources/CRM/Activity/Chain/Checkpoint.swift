internal import Cryptography
public import JSON
internal import SQLite
internal import Values

/// A signed statement about a tenant's log: its entry `seq` has the hash `head`, and so everything
/// before it is what it was.
///
/// Written as one line of JSON, in the log of the server, in the entry that tells of it, and in the
/// file that `cardfile verify --from-checkpoint` reads.
public struct Checkpoint: Sendable, Equatable {
  /// The operation of the entry that tells of a checkpoint.
  public static let operation = "crm.activities.checkpoint"
  /// The kind of thing which that entry is about.
  static let entityType = "checkpoint"
  private static let version = 1

  /// Whose log.
  public let tenantID: String
  /// The place of the newest entry that it speaks of.
  public let seq: Int64
  /// That entry's hash.
  public let head: [UInt8]
  /// When it was made, RFC 3339.
  public let madeAt: String
  /// SHA-256 of the signature of the checkpoint before it; nil for the first.
  public let previous: [UInt8]?
  /// Whose signature it is.
  public let publicKey: [UInt8]
  /// Ed25519 over ``message``.
  public private(set) var signature: [UInt8]

  /// A checkpoint signed now.
  init(
    tenantID: String, seq: Int64, head: [UInt8], madeAt: String, previous: [UInt8]?,
    key: Ed25519Key
  ) {
    self.tenantID = tenantID
    self.seq = seq
    self.head = head
    self.madeAt = madeAt
    self.previous = previous
    publicKey = key.publicKey
    signature = []
    signature = key.sign(message)
  }

  /// Columns of `activity_checkpoints`, beside the tenant, in the order of ``init(_:row:)``.
  static let columns = "c.seq, c.head, c.made_at, c.previous, c.public_key, c.signature"

  init(_ tenantID: String, row: borrowing Statement) {
    self.tenantID = tenantID
    seq = row.integer(0) ?? 0
    head = row.blob(1) ?? []
    madeAt = row.text(2) ?? ""
    previous = row.blob(3)
    publicKey = row.blob(4) ?? []
    signature = row.blob(5) ?? []
  }

  /// Reads what ``json`` writes, also inside a line of the log or an entry as it was shipped; nil
  /// for anything else.
  public init?(text: String) {
    guard let start = text.firstIndex(of: "{"),
      // What is no JSON is no checkpoint; the caller says so.
      let value = try? JSONParser.parse(Array(text[start...].utf8))
    else { return nil }
    for place in [value, value["checkpoint"], value["metadata"]?["checkpoint"]] {
      if let checkpoint = place.flatMap({ Checkpoint(json: $0) }) {
        self = checkpoint
        return
      }
    }
    return nil
  }

  /// Reads what ``json`` writes; nil for anything else.
  public init?(json: JSONValue) {
    guard json["version"]?.integer == Int64(Self.version),
      let tenantID = json["tenantId"]?.string, let seq = json["seq"]?.integer,
      let head = json["head"]?.string.flatMap(Hexadecimal.bytes),
      let madeAt = json["time"]?.string,
      let publicKey = json["publicKey"]?.string.flatMap(Base64.decode),
      let signature = json["signature"]?.string.flatMap(Base64.decode)
    else { return nil }
    self.tenantID = tenantID
    self.seq = seq
    self.head = head
    self.madeAt = madeAt
    previous = json["previous"]?.string.flatMap(Hexadecimal.bytes)
    self.publicKey = publicKey
    self.signature = signature
  }

  /// What is signed: the JSON without the signature, in UTF-8, without spaces.
  var message: [UInt8] { JSONValue.object(JSONObject(members)).bytes }

  /// The one line of JSON.
  public var json: JSONValue {
    .object(JSONObject(members + [("signature", .string(Base64.encode(signature)))]))
  }

  /// SHA-256 of the signature, by which the next checkpoint names this one.
  var signatureHash: [UInt8] { SHA256.hash(signature) }

  /// Whether the signature is one of the key that the checkpoint names; whose key that is, is
  /// another question.
  var isSigned: Bool { Ed25519.isValid(signature, of: message, by: publicKey) }

  private var members: [(String, JSONValue)] {
    [
      ("version", .integer(Self.version)), ("tenantId", .string(tenantID)),
      ("seq", .integer(seq)), ("head", .string(Hexadecimal.text(head))),
      ("time", .string(madeAt)),
      ("previous", previous.map { .string(Hexadecimal.text($0)) } ?? .null),
      ("keyId", .string(LogKeys.id(of: publicKey))),
      ("publicKey", .string(Base64.encode(publicKey))),
    ]
  }
}
