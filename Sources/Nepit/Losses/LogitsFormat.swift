// A comparison as bytes.
//
// Words of 64 bits, the least significant byte first:
//
//     0   "nepit-lc"
//     1   the version of the format, 1
//     2   how many words there are, the last one included
//     3…  columns, top, sketch bits, next position, and what is counted (`LogitsState.counters`)
//         least and greatest divergence and probability change, with their positions
//         the exact sums, 36 words each
//         the two distributions
//     n   FNV-1a of all the bytes before
//
// What the same tokens leave is the same bytes, in whatever order and parts they came.

internal import CSystem
internal import NepitMath

extension LogitsComparison {
  /// How many bytes `save` writes.
  public var savedCount: Int { state.pointee.savedCount }

  /// Writes it to at least `savedCount` bytes.
  public mutating func save(to bytes: UnsafeMutableRawPointer) {
    let state = state
    state.pointee.save(to: bytes)
  }
}

extension LogitsState {
  private static var magic: UInt64 { 0x636c_2d74_6970_656e }
  private static var version: UInt64 { 1 }
  private static var fixedWords: Int { 3 + 4 + 7 + 8 + Sum.count * FixedPointSum.words + 1 }
  /// Positions are below.
  private static var limit: Int { 1 << 62 }

  var savedCount: Int { (Self.fixedWords &+ divergence.savedWords &+ probabilityChange.savedWords) &* 8 }

  mutating func save(to bytes: UnsafeMutableRawPointer) {
    let count = savedCount
    var words = WordWriter(bytes)
    words.put(Self.magic)
    words.put(Self.version)
    words.put(count / 8)
    words.put(columns)
    words.put(top)
    words.put(divergence.bits)
    words.put(next)
    words.put(rows)
    words.put(labelled)
    words.put(invalid)
    words.put(firstInvalid)
    words.put(sameTop)
    words.put(shared)
    words.put(sharedSquares)
    extremes.save(&words)
    changes.save(&words)
    for index in upTo(Sum.count * FixedPointSum.words) { words.put(sums[index]) }
    divergence.save(&words)
    probabilityChange.save(&words)
    words.put(Self.checksum(bytes, count &- 8))
  }

  /// FNV-1a: no byte, and no run of up to eight, can change unnoticed.
  private static func checksum(_ bytes: UnsafeRawPointer, _ count: Int) -> UInt64 {
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    for index in upTo(count) {
      digest = (digest ^ UInt64(bytes.load(fromByteOffset: index, as: UInt8.self))) &* 0x100_0000_01b3
    }
    return digest
  }

  static func load(_ bytes: UnsafeRawBufferPointer) throws(CallError) -> OpaquePointer {
    guard let start = bytes.baseAddress, bytes.count % 8 == 0, bytes.count >= fixedWords * 8 else { throw .format }
    var words = WordReader(start, words: bytes.count / 8)
    guard try words.next() == magic, try words.next() == version, try words.next() == UInt64(bytes.count / 8) else {
      throw .format
    }
    let sum = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
    guard sum == checksum(start, bytes.count - 8) else { throw .format }

    // The checksum may be right for bytes that nobody saved: every number is checked all the same.
    let columns = try words.next(below: maximumColumns + 1), top = try words.next(below: maximumTop + 1)
    let bits = try words.next(below: maximumBits + 1), next = try words.next(below: limit)
    guard columns > 0, top > 0 else { throw .format }
    let handle: OpaquePointer
    do throws(CallError) {
      handle = try make(columns: columns, top: top, bits: bits, first: 0)
    } catch {
      throw error == .memory ? .memory : .format
    }
    let state = UnsafeMutablePointer<LogitsState>(handle)
    do throws(CallError) {
      state.pointee.next = next
      try state.pointee.load(&words)
    } catch {
      free(handle)
      throw error
    }
    return handle
  }

  private mutating func load(_ words: inout WordReader) throws(CallError) {
    // (The next position tells nothing of them: merged tokens may have had the same positions.)
    rows = try words.next(below: Self.maximumTokens &+ 1)
    labelled = try words.next(below: rows &+ 1)
    invalid = try words.next(below: Self.maximumTokens &- rows &+ 1)
    firstInvalid = try words.next(below: Self.limit)
    sameTop = try words.next(below: rows &+ 1)
    shared = try words.next(below: rows &* top &+ 1)
    sharedSquares = try words.next(below: rows &* top &* top &+ 1)
    extremes = try Extremes(&words, isEmpty: rows == 0)
    changes = try Extremes(&words, isEmpty: labelled == 0)
    for index in upTo(Sum.count * FixedPointSum.words) { sums[index] = try words.next() }
    try divergence.load(&words, count: rows)
    try probabilityChange.load(&words, count: labelled)
    guard words.left == 1 else { throw .format }
  }
}

extension LogitsState.Extremes {
  func save(_ words: inout WordWriter) {
    words.put(least.bitPattern)
    words.put(greatest.bitPattern)
    words.put(leastAt)
    words.put(greatestAt)
  }

  init(_ words: inout WordReader, isEmpty: Bool) throws(CallError) {
    (least, greatest) = (Double(bitPattern: try words.next()), Double(bitPattern: try words.next()))
    (leastAt, greatestAt) = (try words.next(below: 1 << 62), try words.next(below: 1 << 62))
    guard isEmpty ? least == .infinity && greatest == -.infinity : least <= greatest else { throw .format }
  }
}
