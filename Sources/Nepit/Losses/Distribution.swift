// What percentiles are made of: every value as a float, or counts of values in logarithmic cells.

internal import CSystem
internal import NepitMath

/// The values of one quantity, a token each: kept as floats, or counted in cells whose width is relative.
///
/// Both depend on the values alone, not on their order. Owned by a `LogitsComparison`, which frees it.
struct Distribution {
  /// 0: floats. Else a cell is one exponent's 2^bits-th part, and its middle is within 2^-(bits + 1) of what it holds.
  let bits: Int
  private(set) var count = 0
  private var floats: UnsafeMutablePointer<Float>?
  private var capacity = 0
  private var isSorted = true
  private(set) var cells: UnsafeMutablePointer<UInt64>?

  /// - Throws: `memory`.
  init(bits: Int) throws(CallError) {
    self.bits = bits
    guard bits > 0 else { return }
    let bytes = 2 * side * 8
    guard let memory = cs_allocate(bytes) else { throw .memory }
    memset(memory, 0, bytes)
    cells = memory.assumingMemoryBound(to: UInt64.self)
  }

  func free() {
    cs_free(floats)
    cs_free(cells)
  }

  /// How many cells there are for values of one sign: of every exponent and, the last, for infinity.
  private var side: Int { 255 &<< bits &+ 1 }

  /// The number of cells.
  var cellCount: Int { bits == 0 ? 0 : 2 &* side }

  /// Room for so many values more: then `add` cannot fail.
  ///
  /// - Throws: `memory`, and nothing has changed.
  mutating func reserve(_ more: Int) throws(CallError) {
    guard bits == 0 else { return }
    let (wanted, over) = count.addingReportingOverflow(more)
    guard !over, wanted <= Int.max / 16 else { throw .memory }
    guard wanted > capacity else { return }
    let room = max(wanted, capacity &+ capacity / 2, 64)
    guard let memory = cs_allocate(room &* 4) else { throw .memory }
    if let floats { memcpy(memory, floats, count &* 4) }
    cs_free(floats)
    floats = memory.assumingMemoryBound(to: Float.self)
    capacity = room
  }

  /// Takes a value, which is not NaN; there is room.
  mutating func add(_ value: Double) {
    let x = Float(value) + 0  // -0 is 0
    if bits == 0 {
      floats.unsafelyUnwrapped[count] = x
      isSorted = false
    } else {
      cells.unsafelyUnwrapped[cell(x)] &+= 1
    }
    count &+= 1
  }

  /// Takes what another of the same bits holds; there is room.
  mutating func merge(_ other: Distribution) {
    if bits == 0 {
      if other.count > 0 { memcpy(floats.unsafelyUnwrapped + count, other.floats.unsafelyUnwrapped, other.count &* 4) }
      isSorted = false
    } else {
      for index in upTo(cellCount) {
        cells.unsafelyUnwrapped[index] &+= other.cells.unsafelyUnwrapped[index]
      }
    }
    count &+= other.count
  }

  /// Cells in the order of values: those of negative ones first, from -infinity.
  private func cell(_ x: Float) -> Int {
    let place = Int((x.bitPattern & 0x7fff_ffff) &>> UInt32(truncatingIfNeeded: 23 &- bits))
    return x < 0 ? side &- 1 &- place : side &+ place
  }

  /// The middle of a cell; 0 of those at 0.
  private func middle(_ cell: Int) -> Double {
    let isNegative = cell < side
    let place = isNegative ? side &- 1 &- cell : cell &- side
    if place == 0 { return 0 }
    if place >= 255 &<< bits { return isNegative ? -.infinity : .infinity }
    let low = Double(Float(bitPattern: UInt32(truncatingIfNeeded: place) &<< UInt32(truncatingIfNeeded: 23 &- bits)))
    let high = Double(Float(bitPattern: UInt32(truncatingIfNeeded: place &+ 1) &<< UInt32(truncatingIfNeeded: 23 &- bits)))
    let value = place == (255 &<< bits) &- 1 ? low : (low + high) / 2
    return isNegative ? -value : value
  }

  /// Sorts the floats, so that the same values are the same bytes.
  mutating func settle() {
    guard bits == 0, !isSorted else { return }
    if let floats {
      let keys = UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt32.self)
      for index in upTo(count) { keys[index] = orderedKey(keys[index]) }
      sort(keys, count, shift: 24)
      for index in upTo(count) { keys[index] = floatBits(keys[index]) }
    }
    isSorted = true
  }

  /// The value below which the share p of the others lie, linearly between two neighbours: of sorted values v_0 to
  /// v_(n-1) the one at (n - 1) p. NaN where there are none. `least` and `greatest` are exact and bound it.
  mutating func quantile(_ p: Double, least: Double, greatest: Double) -> Double {
    guard count > 0 else { return .nan }
    settle()
    let place = Double(count &- 1) * p
    var index = min(place.whole, count &- 1)
    if Double(index) > place { index &-= 1 }
    let rest = place - Double(index)
    let (low, high): (Double, Double)
    if let floats {
      (low, high) = (Double(floats[index]), Double(floats[min(index &+ 1, count &- 1)]))
    } else {
      (low, high) = neighbours(index)
    }
    let value = rest == 0 || low == high ? low : low + (high - low) * rest
    // What is known better than by floats or cells.
    return p == 0 ? least : p == 1 ? greatest : min(max(value, least), greatest)
  }

  /// The values at index and after it, as far as the cells know.
  private func neighbours(_ index: Int) -> (Double, Double) {
    let cells = cells.unsafelyUnwrapped
    var seen = 0, cell = 0
    while cell &+ 1 < cellCount {
      seen &+= Int(truncatingIfNeeded: cells[cell])
      if seen > index { break }
      cell &+= 1
    }
    var next = cell
    if seen <= index &+ 1 {
      next &+= 1
      while next < cellCount, cells[next] == 0 { next &+= 1 }
      if next == cellCount { next = cell }
    }
    return (middle(cell), middle(next))
  }
}

// MARK: - Saving

extension Distribution {
  /// How many words `save` writes.
  var savedWords: Int {
    guard let cells else { return (count &+ 1) / 2 }
    var used = 0
    for index in upTo(cellCount) where cells[index] != 0 { used &+= 1 }
    return 1 &+ 2 &* used
  }

  /// Floats two a word, from the least; or the number of cells that hold something, and each with its count.
  mutating func save(_ words: inout WordWriter) {
    settle()
    if let cells {
      words.put((savedWords &- 1) / 2)
      for index in upTo(cellCount) where cells[index] != 0 {
        words.put(index)
        words.put(cells[index])
      }
    } else if let floats {
      var index = 0
      while index < count {
        let second = index &+ 1 < count ? UInt64(floats[index &+ 1].bitPattern) << 32 : 0
        words.put(UInt64(floats[index].bitPattern) | second)
        index &+= 2
      }
    }
  }

  /// Reads what was saved of so many values into an empty one.
  ///
  /// - Throws: `format` where that cannot have been saved, `memory`.
  mutating func load(_ words: inout WordReader, count: Int) throws(CallError) {
    if let cells {
      var last = -1, sum = 0
      for _ in upTo(try words.next(below: cellCount &+ 1)) {
        let cell = try words.next(below: cellCount), value = try words.next(below: count &- sum &+ 1)
        guard cell > last, value > 0 else { throw .format }
        (last, sum) = (cell, sum &+ value)
        cells[cell] = UInt64(truncatingIfNeeded: value)
      }
      guard sum == count else { throw .format }
    } else {
      guard (count &+ 1) / 2 <= words.left else { throw .format }
      try reserve(count)
      var word: UInt64 = 0
      for index in upTo(count) {
        word = index & 1 == 0 ? try words.next() : word >> 32
        let x = Float(bitPattern: UInt32(truncatingIfNeeded: word))
        // From the least on; NaN and -0 are never kept.
        let isRising = index == 0 || x >= floats.unsafelyUnwrapped[index &- 1]
        guard x == x, x != 0 || x.sign == .plus, isRising else { throw .format }
        floats.unsafelyUnwrapped[index] = x
      }
      guard count & 1 == 0 || word >> 32 == 0 else { throw .format }
    }
    self.count = count
  }
}

/// Words of 64 bits, the least significant byte first, at any address.
struct WordWriter {
  private let bytes: UnsafeMutableRawPointer
  private(set) var count = 0

  init(_ bytes: UnsafeMutableRawPointer) { self.bytes = bytes }

  mutating func put(_ word: UInt64) {
    bytes.storeBytes(of: word.littleEndian, toByteOffset: count &* 8, as: UInt64.self)
    count &+= 1
  }

  mutating func put(_ number: Int) { put(UInt64(bitPattern: Int64(number))) }
}

/// The same, from bytes that may be any.
struct WordReader {
  private let bytes: UnsafeRawPointer
  private(set) var left: Int
  private var place = 0

  init(_ bytes: UnsafeRawPointer, words: Int) { (self.bytes, left) = (bytes, words) }

  /// - Throws: `format` where there is none left.
  mutating func next() throws(CallError) -> UInt64 {
    guard left > 0 else { throw .format }
    left &-= 1
    place &+= 8
    return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place &- 8, as: UInt64.self))
  }

  /// A number from 0 on; `format` where it is not below `limit`.
  mutating func next(below limit: Int) throws(CallError) -> Int {
    let word = try next()
    guard limit > 0, word < UInt64(truncatingIfNeeded: limit) else { throw .format }
    return Int(truncatingIfNeeded: word)
  }
}

// MARK: - Sorting in place

/// A float's bits as a number that is in the floats' order, and back.
private func orderedKey(_ bits: UInt32) -> UInt32 { bits & 0x8000_0000 != 0 ? ~bits : bits | 0x8000_0000 }
private func floatBits(_ key: UInt32) -> UInt32 { key & 0x8000_0000 != 0 ? key & 0x7fff_ffff : ~key }

/// By the byte at `shift`, then each part by the next: four passes at most, no memory, whatever the keys.
private func sort(_ keys: UnsafeMutablePointer<UInt32>, _ count: Int, shift: UInt32) {
  if count <= 32 {
    for index in upTo(count, from: 1) {
      let key = keys[index]
      var place = index
      while place > 0, keys[place &- 1] > key {
        keys[place] = keys[place &- 1]
        place &-= 1
      }
      keys[place] = key
    }
    return
  }
  var table = sort_table()
  withUnsafeMutableBytes(of: &table) { table in
    let next = table.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Int.self), end = next + 256
    for index in upTo(count) { end[Int(keys[index] &>> shift & 255)] &+= 1 }
    var start = 0
    for byte in upTo(256) {
      next[byte] = start
      start &+= end[byte]
      end[byte] = start
    }
    // Each key goes to its part; what stood there is taken on.
    for byte in upTo(256) {
      while next[byte] < end[byte] {
        var key = keys[next[byte]]
        var home = Int(key &>> shift & 255)
        while home != byte {
          (key, keys[next[home]]) = (keys[next[home]], key)
          next[home] &+= 1
          home = Int(key &>> shift & 255)
        }
        keys[next[byte]] = key
        next[byte] &+= 1
      }
    }
    guard shift > 0 else { return }
    var first = 0
    for byte in upTo(256) {
      if end[byte] &- first > 1 { sort(keys + first, end[byte] &- first, shift: shift &- 8) }
      first = end[byte]
    }
  }
}
