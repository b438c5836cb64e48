internal import JSON

/// Works out what values occupy on the heap, in bytes, as glibc's malloc hands it out.
///
/// The inline part of a value belongs to whoever holds it; a text that several places share is
/// counted once.
struct HeldBytes {
  private(set) var total = 0
  private var texts: Set<String> = []
  private var lists: Set<[String]> = []

  /// The longest text that Swift keeps without a block of its own.
  private static let inlineTextBytes = 15
  private static let arrayHeaderBytes = 32
  private static let textHeaderBytes = 32
  private static let dictionaryHeaderBytes = 64

  /// A block for `bytes`: 8 bytes of bookkeeping, in steps of 16, never below 32.
  static func block(_ bytes: Int) -> Int { max(32, (bytes + 8 + 15) & ~15) }

  /// A text by itself.
  static func text(_ text: String) -> Int {
    let count = text.utf8.count
    return count <= inlineTextBytes ? 0 : block(textHeaderBytes + count + 1)
  }

  /// The buffer of an array.
  static func array<Element>(_ array: [Element]) -> Int {
    array.capacity == 0
      ? 0 : block(arrayHeaderBytes + array.capacity * MemoryLayout<Element>.stride)
  }

  /// The buffer of a dictionary, whose buckets are a power of two and filled to three quarters.
  static func dictionary<Key, Value>(_ dictionary: [Key: Value]) -> Int {
    guard dictionary.capacity > 0 else { return 0 }
    var buckets = 2
    while buckets * 3 / 4 < dictionary.capacity { buckets *= 2 }
    let entry = MemoryLayout<Key>.stride + MemoryLayout<Value>.stride
    return block(dictionaryHeaderBytes + buckets / 8 + buckets * entry)
  }

  mutating func add(bytes: Int) { total += bytes }

  /// A text; those that all tenants share are nobody's.
  mutating func add(_ text: String?) {
    guard let text, text.utf8.count > Self.inlineTextBytes, !SharedTexts.contains(text),
      texts.insert(text).inserted
    else { return }
    total += Self.text(text)
  }

  /// A list of which equal ones are one in memory.
  mutating func add(shared list: [String]) {
    guard !list.isEmpty, lists.insert(list).inserted else { return }
    total += Self.array(list)
    for text in list { add(text) }
  }

  mutating func add(_ value: JSONValue) {
    switch value {
    case .null, .bool: break
    case .number(let number): add(number.text)
    case .string(let text): add(text)
    case .array(let values):
      total += Self.array(values)
      for value in values { add(value) }
    case .object(let object): add(object)
    }
  }

  mutating func add(_ object: JSONObject) {
    total += Self.array(object.members)
    for member in object.members {
      add(member.name)
      add(member.value)
    }
  }
}
