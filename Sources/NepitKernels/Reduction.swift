// The frame of every sum over a row, and the one entry the callers use.
//
// A row is read in blocks of 64 elements. In a block, even and odd runs of 8
// are added plainly, four and four; the block's sum goes into a compensated sum
// a lane; at the end the eight lanes are added in two words. The order depends
// on the number of elements alone.

import CSystem

/// What a measure adds up over its outcomes.
protocol Reduction {
  init(_ parameters: borrowing lanes_parameters)
  /// How many of the four sums are used.
  static var sums: Int { get }
  /// Whether the signs are wanted too, and whether the greatest elements are.
  static var watches: Bool { get }
  static var watchesGreatest: Bool { get }
  /// Whether every vector is added in two words, not every block: totals that others are divided by.
  static var isExact: Bool { get }
  /// Whether there is a second row.
  static var isPaired: Bool { get }
  /// The terms of some outcomes side by side; +0 where p = q = 0.
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms
  /// What takes part in greatest_p when it is not p itself.
  static var watchesRatio: Bool { get }
  func ratio(_ p: Lanes, _ q: Lanes) -> Lanes
}

extension Reduction {
  @inline(__always) static var watches: Bool { false }
  @inline(__always) static var watchesGreatest: Bool { watches }
  @inline(__always) static var isExact: Bool { false }
  @inline(__always) static var isPaired: Bool { true }
  @inline(__always) static var watchesRatio: Bool { false }
  @inline(__always) func ratio(_ p: Lanes, _ q: Lanes) -> Lanes { p }
}

struct Terms {
  var a = Lanes.zero, b = Lanes.zero, c = Lanes.zero, d = Lanes.zero
}

/// Everything a reduction keeps.
struct Accumulator<R: Reduction> {
  var aHigh = Eight.zero, aLow = Eight.zero, bHigh = Eight.zero, bLow = Eight.zero
  var cHigh = Eight.zero, cLow = Eight.zero, dHigh = Eight.zero, dLow = Eight.zero
  var greatestP = Eight.zero, greatestQ = Eight.zero
  var signsP = EightBits.zero, signsQ = EightBits.zero

  @inline(__always)
  init(_ carry: UnsafePointer<lanes_carry>) {
    let words = UnsafeRawPointer(carry).assumingMemoryBound(to: Double.self)
    (aHigh, aLow) = (lanes_load_eight(words), lanes_load_eight(words + 8))
    (bHigh, bLow) = (lanes_load_eight(words + 16), lanes_load_eight(words + 24))
    (cHigh, cLow) = (lanes_load_eight(words + 32), lanes_load_eight(words + 40))
    (dHigh, dLow) = (lanes_load_eight(words + 48), lanes_load_eight(words + 56))
    (greatestP, greatestQ) = (lanes_load_eight(words + 64), lanes_load_eight(words + 72))
    signsP = unsafeBitCast(lanes_load_eight(words + 80), to: EightBits.self)
    signsQ = unsafeBitCast(lanes_load_eight(words + 88), to: EightBits.self)
  }

  @inline(__always)
  func store(_ carry: UnsafeMutablePointer<lanes_carry>) {
    let words = UnsafeMutableRawPointer(carry).assumingMemoryBound(to: Double.self)
    lanes_store_eight(words, aHigh)
    lanes_store_eight(words + 8, aLow)
    lanes_store_eight(words + 16, bHigh)
    lanes_store_eight(words + 24, bLow)
    lanes_store_eight(words + 32, cHigh)
    lanes_store_eight(words + 40, cLow)
    lanes_store_eight(words + 48, dHigh)
    lanes_store_eight(words + 56, dLow)
    lanes_store_eight(words + 64, greatestP)
    lanes_store_eight(words + 72, greatestQ)
    lanes_store_eight(words + 80, unsafeBitCast(signsP, to: Eight.self))
    lanes_store_eight(words + 88, unsafeBitCast(signsQ, to: Eight.self))
  }

  /// Adds sums in two words.
  @_transparent
  mutating func add(_ a: Eight, _ b: Eight, _ c: Eight, _ d: Eight) {
    if R.sums > 0 { compensate(a, &aHigh, &aLow) }
    if R.sums > 1 { compensate(b, &bHigh, &bLow) }
    if R.sums > 2 { compensate(c, &cHigh, &cLow) }
    if R.sums > 3 { compensate(d, &dHigh, &dLow) }
  }

  /// Adds what even and odd runs of 8 gave. With 16 lanes the odd ones are the upper half.
  @_transparent
  mutating func add(_ even: Terms, _ odd: Terms) {
    if laneCount == 16 {
      add(
        lanes_first(even.a) + lanes_second(even.a), lanes_first(even.b) + lanes_second(even.b),
        lanes_first(even.c) + lanes_second(even.c), lanes_first(even.d) + lanes_second(even.d))
    } else {
      add(
        lanes_first(even.a) + lanes_first(odd.a), lanes_first(even.b) + lanes_first(odd.b),
        lanes_first(even.c) + lanes_first(odd.c), lanes_first(even.d) + lanes_first(odd.d))
    }
  }

  /// Adds terms run by run.
  @_transparent
  mutating func addEach(_ terms: Terms) {
    add(lanes_first(terms.a), lanes_first(terms.b), lanes_first(terms.c), lanes_first(terms.d))
    if laneCount == 16 {
      add(lanes_second(terms.a), lanes_second(terms.b), lanes_second(terms.c), lanes_second(terms.d))
    }
  }

  @_transparent
  mutating func merge(_ watch: Watch<R>) {
    if R.watches || R.watchesRatio {
      greatestP = greaterEight(greaterEight(greatestP, lanes_first(watch.greatestP)), lanes_second(watch.greatestP))
      greatestQ = greaterEight(greaterEight(greatestQ, lanes_first(watch.greatestQ)), lanes_second(watch.greatestQ))
      signsP |= folded(watch.signsP)
      signsQ |= folded(watch.signsQ)
    }
  }

  @inline(__always)
  private func folded(_ signs: LaneBits) -> EightBits {
    let signs = unsafeBitCast(signs, to: Lanes.self)
    return unsafeBitCast(lanes_first(signs), to: EightBits.self)
      | unsafeBitCast(lanes_second(signs), to: EightBits.self)
  }

  @_transparent
  func finish(_ out: inout lanes_sums) {
    if R.sums > 0 { out.a = lanes_total(aHigh, aLow) }
    if R.sums > 1 { out.b = lanes_total(bHigh, bLow) }
    if R.sums > 2 { out.c = lanes_total(cHigh, cLow) }
    if R.sums > 3 { out.d = lanes_total(dHigh, dLow) }
    if R.watchesGreatest || R.watchesRatio {
      out.greatest_p = lanes_greatest(greatestP)
      if R.isPaired { out.greatest_q = lanes_greatest(greatestQ) }
    }
    if R.watches {
      out.signs_p = lanes_union(unsafeBitCast(signsP, to: Eight.self))
      if R.isPaired { out.signs_q = lanes_union(unsafeBitCast(signsQ, to: Eight.self)) }
    }
  }
}

/// What is watched for in a piece of a row.
struct Watch<R: Reduction> {
  var greatestP = Lanes.zero, greatestQ = Lanes.zero
  var signsP = LaneBits.zero, signsQ = LaneBits.zero

  @_transparent
  mutating func see(_ p: Lanes, _ q: Lanes, _ reduction: R) {
    if R.watchesRatio { greatestP = greater(greatestP, reduction.ratio(p, q)) }
    if R.watches {
      signsP |= bits(p)
      if R.isPaired { signsQ |= bits(q) }
    }
    if R.watchesGreatest {
      greatestP = greater(greatestP, p)
      if R.isPaired { greatestQ = greater(greatestQ, q) }
    }
  }
}

extension Terms {
  @_transparent
  mutating func add(_ other: Terms, sums: Int) {
    if sums > 0 { a += other.a }
    if sums > 1 { b += other.b }
    if sums > 2 { c += other.c }
    if sums > 3 { d += other.d }
  }
}

@_transparent
func greaterEight(_ best: Eight, _ x: Eight) -> Eight { lanes_max_eight(x, best) }

/// What the loops over a row need besides: memory for the two vectors that are not full, zeros behind their elements,
/// which add nothing; behind them for what `FloatReduction.begin` gives. Not in the loops' own function: closures over its
/// variables would keep them all in memory.
typealias Room = UnsafeMutablePointer<lanes_room>

/// Adds `count` elements to an accumulator. All but a row's last piece hold a multiple of 64.
@_transparent
func feed<R: Reduction, E: Element>(
  _ state: inout Accumulator<R>, _ reduction: R, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int,
  _ room: Room, _ element: E.Type
) {
  var p = p, q = q, left = count
  var watch = Watch<R>()
  let endP = UnsafeMutableRawPointer(room), endQ = endP + 128
  let part = count & (laneCount &- 1)
  if part != 0 {
    let start = (count &- part) &* E.stride
    E.copyPart(p + start, part, to: endP)
    if R.isPaired { E.copyPart(q + start, part, to: endQ) }
  }
  while left > 0 {
    var even = Terms(), odd = Terms()
    let rest = max(0, left &- 64)
    while left > rest {
      let isWhole = left >= laneCount
      let p0 = E.load(isWhole ? p : UnsafeRawPointer(endP))
      let q0 = R.isPaired ? E.load(isWhole ? q : UnsafeRawPointer(endQ)) : p0
      let terms = reduction.terms(p0, q0, fine: E.isFine)
      if R.isExact {
        state.addEach(terms)
      } else {
        even.add(terms, sums: R.sums)
        // With 8 lanes the two take turns: one place for the terms' code instead of two.
        if laneCount == 8 { swap(&even, &odd) }
      }
      watch.see(p0, q0, reduction)
      p += laneCount &* E.stride
      q += laneCount &* E.stride
      left &-= laneCount
    }
    if !R.isExact { state.add(even, odd) }
  }
  state.merge(watch)
}

@inline(never)
func reduce<R: Reduction, E: Element>(
  _ reduction: R, _ element: E.Type, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int,
  _ carry: UnsafeMutablePointer<lanes_carry>?, _ isLast: Bool, _ room: Room, _ out: UnsafeMutablePointer<lanes_sums>
) {
  var state = Accumulator<R>(carry.map { UnsafePointer($0) } ?? lanes_no_carry())
  feed(&state, reduction, p, q, count, room, element)
  if isLast {
    state.finish(&out.pointee)
  } else if let carry {
    state.store(carry)
  }
}
