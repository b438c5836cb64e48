/// Memory for one row at a time, kept between rows.
///
/// Rows are put together here and copied once into the answer, because an array cannot be written
/// past its count, and growing it byte by byte is what a list page would spend its time on.
final class RowBuffer {
  /// What is kept between rows; a larger row gives its memory back.
  static let keptBytesMax = 256 * 1024

  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity = 4096

  init() {
    memory = .allocate(capacity: capacity)
  }

  deinit {
    memory.deallocate()
  }

  /// Lends the memory, empty; it must be put back before it is taken again.
  func take() -> RowBytes {
    RowBytes(memory: memory, capacity: capacity)
  }

  func put(_ row: RowBytes) {
    memory = row.memory
    capacity = row.capacity
    guard capacity > Self.keptBytesMax else { return }
    memory.deallocate()
    capacity = Self.keptBytesMax
    memory = .allocate(capacity: capacity)
  }
}

/// The bytes of one row in the making.
///
/// A value, so that it lives in registers.
struct RowBytes {
  /// Text is escaped in pieces of this many bytes, so that room is needed for what is written,
  /// not for six times a long text.
  private static let pieceBytes = 2048

  private(set) var memory: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  private(set) var count = 0

  init(memory: UnsafeMutablePointer<UInt8>, capacity: Int) {
    self.memory = memory
    self.capacity = capacity
  }

  var written: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: memory, count: count) }

  mutating func append(_ byte: UInt8) {
    reserve(1)
    memory[count] = byte
    count += 1
  }

  mutating func append(_ word: StaticString) {
    append(word.utf8Start, count: word.utf8CodeUnitCount)
  }

  mutating func append(_ bytes: UnsafePointer<UInt8>, count byteCount: Int) {
    reserve(byteCount)
    (memory + count).initialize(from: bytes, count: byteCount)
    count += byteCount
  }

  /// Writes a decimal integer.
  mutating func appendInteger(_ value: Int64) {
    appendDigits(value.magnitude, isNegative: value < 0, scale: 0)
  }

  /// Writes `units` × 10^-scale in the shortest form, as `FixedPoint.text` does.
  mutating func appendDecimal(units: Int64, scale: Int) {
    var magnitude = units.magnitude
    var scale = scale
    while scale > 0, magnitude.isMultiple(of: 10) {
      magnitude /= 10
      scale -= 1
    }
    appendDigits(magnitude, isNegative: units < 0, scale: scale)
  }

  /// Writes digits from the last to the first: `scale` decimals, a point if there are any, the
  /// whole part with at least one digit, a sign.
  private mutating func appendDigits(_ magnitude: UInt64, isNegative: Bool, scale: Int) {
    // 20 digits, a point, a leading zero, a sign.
    let longest = 24
    reserve(longest)
    var rest = magnitude
    var digits = 0
    var length = 0
    // The number is written to the end of the room and then moved to its start.
    let end = memory + count + longest
    repeat {
      if digits == scale, scale > 0 {
        length += 1
        (end - length).initialize(to: UInt8(ascii: "."))
      }
      length += 1
      (end - length).initialize(to: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
      digits += 1
    } while rest > 0 || digits <= scale
    if isNegative {
      length += 1
      (end - length).initialize(to: UInt8(ascii: "-"))
    }
    (memory + count).update(from: end - length, count: length)
    count += length
  }

  /// Writes a JSON string: quotation marks around the escaped text.
  mutating func appendQuoted(_ text: UnsafePointer<UInt8>, count length: Int) {
    append(UInt8(ascii: "\""))
    var offset = 0
    while offset < length {
      let piece = min(length - offset, Self.pieceBytes)
      // A byte becomes six at most, and eight are written at a time.
      reserve(piece * 6 + 8)
      appendEscaped(text + offset, count: piece)
      offset += piece
    }
    append(UInt8(ascii: "\""))
  }

  /// Copies eight bytes at a time as long as none of them needs an escape.
  private mutating func appendEscaped(_ text: UnsafePointer<UInt8>, count length: Int) {
    let source = UnsafeRawPointer(text)
    var index = 0
    while index + 8 <= length {
      let word = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      UnsafeMutableRawPointer(memory + count).storeBytes(of: word.littleEndian, as: UInt64.self)
      let found = Self.bytesToEscape(in: word)
      let clean = found == 0 ? 8 : found.trailingZeroBitCount / 8
      count += clean
      index += clean
      if clean < 8 {
        appendEscaped(text[index])
        index += 1
      }
    }
    while index < length {
      let byte = text[index]
      if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        memory[count] = byte
        count += 1
      } else {
        appendEscaped(byte)
      }
      index += 1
    }
  }

  /// The top bit of the first byte that is a quotation mark, a reverse solidus or below 0x20; bits
  /// above the first one may be wrong (graphics.stanford.edu/~seander/bithacks.html).
  private static func bytesToEscape(in word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
    let solidi = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
    let isControl = (word &- ones &* 0x20) & ~word
    let isQuote = (quotes &- ones) & ~quotes
    let isSolidus = (solidi &- ones) & ~solidi
    return (isControl | isQuote | isSolidus) & (ones &* 0x80)
  }

  /// Writes one byte as its escape (RFC 8259 section 7); the room is there already.
  private mutating func appendEscaped(_ byte: UInt8) {
    let short: UInt8? =
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
      case 0x08: UInt8(ascii: "b")
      case 0x09: UInt8(ascii: "t")
      case 0x0a: UInt8(ascii: "n")
      case 0x0c: UInt8(ascii: "f")
      case 0x0d: UInt8(ascii: "r")
      default: nil
      }
    memory[count] = UInt8(ascii: "\\")
    if let short {
      memory[count + 1] = short
      count += 2
      return
    }
    let low = byte & 15
    memory[count + 1] = UInt8(ascii: "u")
    memory[count + 2] = UInt8(ascii: "0")
    memory[count + 3] = UInt8(ascii: "0")
    memory[count + 4] = UInt8(ascii: "0") + byte >> 4
    memory[count + 5] = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
    count += 6
  }

  @inline(__always)
  private mutating func reserve(_ additional: Int) {
    if capacity - count < additional { grow(additional) }
  }

  private mutating func grow(_ additional: Int) {
    let larger = max(capacity * 2, count + additional)
    let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    moved.moveInitialize(from: memory, count: count)
    memory.deallocate()
    memory = moved
    capacity = larger
  }
}
