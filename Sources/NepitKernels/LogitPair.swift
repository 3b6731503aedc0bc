// Two rows of logits side by side: what their softmaxes add up to, and how far
// these are apart. docs/numerics.md derives the terms.

import CSystem

/// Offers `count` elements, the first of them column `start`, to the greatest so far.
@export(interface)
public func rankLogits(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ start: Int, _ top: UnsafeMutablePointer<lanes_top>
) {
  var done = 0
  switch element {
  case .double:
    let data = x.assumingMemoryBound(to: Double.self)
    while done < count {
      let end = min(done &+ 16, count)
      if end &- done == 16, isFull(top), lanes_above_f64(data + done, top.pointee.least) == 0 {
        done = end
        continue
      }
      while done < end {
        offer(data[done], start &+ done, top)
        done &+= 1
      }
    }
  case .float:
    let data = x.assumingMemoryBound(to: Float.self)
    while done < count {
      let end = min(done &+ 64, count)
      // (What is kept are floats: the least of them is one.)
      if end &- done == 64, isFull(top), lanes_above_f32(data + done, Float(top.pointee.least)) == 0 {
        done = end
        continue
      }
      while done < end {
        offer(Double(data[done]), start &+ done, top)
        done &+= 1
      }
    }
  @unknown default: break
  }
}

@inline(__always)
private func isFull(_ top: UnsafeMutablePointer<lanes_top>) -> Bool { top.pointee.filled == top.pointee.capacity }

/// Columns come in order, so that of equal logits the earlier ones stay. NaN is passed over.
@inline(__always)
private func offer(_ x: Double, _ column: Int, _ top: UnsafeMutablePointer<lanes_top>) {
  let isFull = isFull(top)
  guard isFull ? x > top.pointee.least : x == x else { return }
  let words = UnsafeMutableRawPointer(top)
  let values = (words + 64).assumingMemoryBound(to: Double.self)
  let columns = (words + 576).assumingMemoryBound(to: Int64.self)
  var place = Int(top.pointee.filled) &- (isFull ? 1 : 0)
  while place > 0, values[place &- 1] < x {
    (values[place], columns[place]) = (values[place &- 1], columns[place &- 1])
    place &-= 1
  }
  (values[place], columns[place]) = (x, Int64(column))
  if !isFull { top.pointee.filled &+= 1 }
  top.pointee.least = values[Int(top.pointee.filled) &- 1]
}

/// A logit's distance from the greatest, in two words, and its exponential: 0 for -infinity.
private struct Term {
  let distance, value: Lanes

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  init(_ x: Lanes, from greatest: Double) {
    let top = Lanes(repeating: greatest)
    let d = x - top
    let part = d - x
    let low = (x - (d - part)) - (top + part)
    let counts = d .> -746
    value = select(counts, Exponential(d, low: select(counts, low, .zero)).value, .zero)
    distance = select(value .> 0, d, .zero)
  }
}

// MARK: - Doubles

/// Adds up e^u and e^u u of the first row, e^v and e^v v of the second, where u and v are the distances from the
/// greatest of each; the greatest's own are in the sums. A NaN makes the first sum NaN.
@export(interface)
public func addLogits(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ pair: UnsafePointer<lanes_logit_pair>, _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  @inline(__always)
  func run<E: Element>(_ type: E.Type) {
    let (first, second) = (pair.pointee.greatest_p, pair.pointee.greatest_q)
    var all = PairSums()
    var bad = Lanes.zero
    var done = 0
    while done < count {
      let left = count &- done
      let p = loadLogits(x + done &* E.stride, left, type), q = loadLogits(y + done &* E.stride, left, type)
      bad = select(p .!= p, p, select(q .!= q, q, bad))
      let u = Term(p, from: first), v = Term(q, from: second)
      all.add(Terms(a: u.value, b: u.value * u.distance, c: v.value, d: v.value * v.distance))
      done &+= laneCount
    }
    all.add(Terms(a: bad, b: .zero, c: .zero, d: .zero))
    all.collect(sums)
  }
  switch element {
  case .double: run(Double.self)
  case .float: run(Float.self)
  @unknown default: break
  }
}

/// Adds up the divergences' terms: Kullback-Leibler both ways, Jensen-Shannon, total variation.
@export(interface)
public func addLogitTerms(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ pair: UnsafePointer<lanes_logit_pair>, _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  @inline(__always)
  func run<E: Element>(_ type: E.Type) {
    let comparison = LogitTerms(pair.pointee)
    var all = PairSums()
    var done = 0
    while done < count {
      let left = count &- done
      let p = loadLogits(x + done &* E.stride, left, type), q = loadLogits(y + done &* E.stride, left, type)
      all.add(comparison(p, q))
      done &+= laneCount
    }
    all.collect(sums)
  }
  switch element {
  case .double: run(Double.self)
  case .float: run(Float.self)
  @unknown default: break
  }
}

/// As many elements as there are lanes, -infinity for those that are missing.
@inline(__always)
func loadLogits<E: Element>(_ data: UnsafeRawPointer, _ left: Int, _ element: E.Type) -> Lanes {
  left >= laneCount ? E.load(data) : loadLast(data, left, element)
}

/// The last ones. Apart, so that the loop keeps its registers.
@inline(never)
private func loadLast<E: Element>(_ data: UnsafeRawPointer, _ left: Int, _ element: E.Type) -> Lanes {
  var value = E.loadPart(data, left)
  withUnsafeMutableBytes(of: &value) { words in
    let words = words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
    for lane in 0..<laneCount where lane >= left { words[lane] = -.infinity }
  }
  return value
}

/// Four sums of 8 lanes. 16 lanes are two of 8, one after the other: the same sums on every machine.
private struct PairSums {
  private var a = Eight.zero, b = Eight.zero, c = Eight.zero, d = Eight.zero

  @_transparent
  mutating func add(_ terms: Terms) {
    a += lanes_first(terms.a)
    b += lanes_first(terms.b)
    c += lanes_first(terms.c)
    d += lanes_first(terms.d)
    if laneCount == 16 {
      a += lanes_second(terms.a)
      b += lanes_second(terms.b)
      c += lanes_second(terms.c)
      d += lanes_second(terms.d)
    }
  }

  /// A piece's sums into the row's, which are compensated.
  func collect(_ sums: UnsafeMutablePointer<lanes_logit_sums>) {
    collect(a, 0, sums)
    collect(b, 1, sums)
    collect(c, 2, sums)
    collect(d, 3, sums)
  }

  private func collect(_ sum: Eight, _ index: Int, _ sums: UnsafeMutablePointer<lanes_logit_sums>) {
    let words = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Double.self) + 16 &* index
    var high = lanes_load_eight(words), low = lanes_load_eight(words + 8)
    compensate(sum, &high, &low)
    lanes_store_eight(words, high)
    lanes_store_eight(words + 8, low)
  }
}

/// The terms of one outcome, of p = e^u / P and q = e^v / Q, by r = log(q / p): each is at least 0, and of second order
/// in r where p and q nearly agree (the total variation of first).
private struct LogitTerms {
  private let greatestP, greatestQ, inverseP, inverseQ: Double
  private let shift: lanes_pair
  private let delta: Double

  @inline(__always)
  init(_ pair: borrowing lanes_logit_pair) {
    (greatestP, greatestQ) = (pair.greatest_p, pair.greatest_q)
    (inverseP, inverseQ) = (1 / pair.total_p, 1 / pair.total_q)
    (shift, delta) = (pair.shift, pair.delta)
  }

  @_transparent
  func callAsFunction(_ x: Lanes, _ y: Lanes) -> Terms {
    let p = Term(x, from: greatestP).value * inverseP, q = Term(y, from: greatestQ).value * inverseQ
    // y - x less the difference of the greatest, both in two words: what they have in common cancels exactly.
    let d = y - x
    let part = d - y
    let low = (y - (d - part)) - (x + part)
    let r = ((d - shift.high) + select(low .== low, low - shift.low, .zero)) - delta
    let size = limited(magnitude(r), to: 800)
    let isNear = size .< 1
    let near = select(isNear, r, .zero)
    let exponential = Exponential(near)
    let g = exponential.lessOne, line = exponential.lessLine(near)

    var terms = Terms()
    let sum = p + q
    let counts = sum .> 0
    terms.a = select(isNear, p * line, select(p .== 0, q, (q - p) - p * r))
    terms.b = select(isNear, p * fma(near, g, 0 - line), select(q .== 0, p, fma(q, r, p - q)))
    var share = nearHalf(g)
    if lanes_reach(size, 0.5) != 0 { share = select(size .< 0.5, share, farHalf(size)) }
    terms.c = sum * share
    terms.d = 0.5 * select(isNear, p * magnitude(g), magnitude(q - p))
    terms.a = select(counts, terms.a, .zero)
    terms.b = select(counts, terms.b, .zero)
    terms.c = select(counts, terms.c, .zero)
    terms.d = select(counts, terms.d, .zero)
    return terms
  }
}

/// The Jensen-Shannon term over p + q, for |r| < 1/2: (t atanh t + log(1 - t²) / 2) / 2, t = tanh(r / 2), a series.
@_transparent
private func nearHalf(_ g: Lanes) -> Lanes {
  let t = g / (g + 2)
  let s = t * t
  var sum = Lanes(repeating: 1 / 276)
  sum = fma(sum, s, Lanes(repeating: 1 / 231))
  sum = fma(sum, s, Lanes(repeating: 1 / 190))
  sum = fma(sum, s, Lanes(repeating: 1 / 153))
  sum = fma(sum, s, Lanes(repeating: 1 / 120))
  sum = fma(sum, s, Lanes(repeating: 1 / 91))
  sum = fma(sum, s, Lanes(repeating: 1 / 66))
  sum = fma(sum, s, Lanes(repeating: 1 / 45))
  sum = fma(sum, s, Lanes(repeating: 1 / 28))
  sum = fma(sum, s, Lanes(repeating: 1 / 15))
  sum = fma(sum, s, Lanes(repeating: 1 / 6))
  sum = fma(sum, s, Lanes(repeating: 1))
  return 0.25 * (sum * s)
}

/// The same elsewhere: (log 2 - log(1 + e^-|r|) - |r| / (1 + e^|r|)) / 2.
@inline(never)
private func farHalf(_ size: Lanes) -> Lanes {
  let s = Exponential(0 - size).value
  let one = Lanes(repeating: 1)
  let rest = Ratio(one + s, over: one, difference: s, fine: true).logarithm
  return 0.5 * ((ln2 - rest) - size * s / (1 + s))
}

// MARK: - Floats

/// What two rows of floats add, but the columns `skip` and `other` (-1 for none): p, q - p, q, p (x - M), q (y - N), with
/// p and q in the units that are given, M and N the greatest. A NaN, and an infinity in one row only, make the first sum
/// NaN. Pieces but the last are a multiple of 128 long.
@export(interface)
public func addFloatLogits(
  _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int, _ skip: Int, _ other: Int,
  _ units: UnsafePointer<lanes_logit_units>, _ sums: UnsafeMutablePointer<lanes_logit_lanes>
) {
  let pair = FloatPair(units.pointee)
  let words = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Double.self)
  let first = skip < 0 ? count : skip & ~127, second = other < 0 ? count : other & ~127
  var copies = FloatBlocks()
  withUnsafeMutableBytes(of: &copies) { copies in
    let copy = copies.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
    var a = lanes_load_eight(words), b = lanes_load_eight(words + 8), c = lanes_load_eight(words + 16)
    var d = lanes_load_eight(words + 24), e = lanes_load_eight(words + 32)
    var done = 0
    while done < count {
      var p = x + done, q = y + done
      if count &- done < 128 || done == first || done == second {
        fill(copy, p, q, count &- done, skip &- done, other &- done)
        (p, q) = (UnsafePointer(copy), UnsafePointer(copy + 128))
      }
      // What is read next, while this is computed.
      lanes_prefetch_block(p + 2048)
      lanes_prefetch_block(q + 2048)
      var block = FloatSums()
      var lane = 0
      while lane < 128, pair.addTotals(Two(p + lane), Two(q + lane), &block) { lane &+= 32 }
      if lane < 128 { block = pair.totals(p, q) }
      a += lanes_fold_f32(block.a)
      b += lanes_fold_f32(block.b)
      c += lanes_fold_f32(block.c)
      d += lanes_fold_f32(block.d)
      e += lanes_fold_f32(block.e)
      done &+= 128
    }
    lanes_store_eight(words, a)
    lanes_store_eight(words + 8, b)
    lanes_store_eight(words + 16, c)
    lanes_store_eight(words + 24, d)
    lanes_store_eight(words + 32, e)
  }
}

/// Adds up the divergences' terms of two rows of floats: Kullback-Leibler both ways, Jensen-Shannon, twice the total
/// variation, all in the units of p. No element is NaN, and none infinite in one row only.
@export(interface)
public func addFloatLogitTerms(
  _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int,
  _ units: UnsafePointer<lanes_logit_units>, _ sums: UnsafeMutablePointer<lanes_logit_lanes>
) {
  let pair = FloatPair(units.pointee)
  let words = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Double.self)
  var copies = FloatBlocks()
  withUnsafeMutableBytes(of: &copies) { copies in
    let copy = copies.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
    var a = lanes_load_eight(words), b = lanes_load_eight(words + 8), c = lanes_load_eight(words + 16)
    var d = lanes_load_eight(words + 24)
    var done = 0
    while done < count {
      var p = x + done, q = y + done
      if count &- done < 128 {
        fill(copy, p, q, count &- done, -1, -1)
        (p, q) = (UnsafePointer(copy), UnsafePointer(copy + 128))
      }
      var block = FloatSums()
      var lane = 0
      while lane < 128, pair.addTerms(Two(p + lane), Two(q + lane), &block) { lane &+= 32 }
      if lane < 128 { block = pair.terms(p, q) }
      a += lanes_fold_f32(block.a)
      b += lanes_fold_f32(block.b)
      c += lanes_fold_f32(block.c)
      d += lanes_fold_f32(block.d)
      done &+= 128
    }
    lanes_store_eight(words, a)
    lanes_store_eight(words + 8, b)
    lanes_store_eight(words + 16, c)
    lanes_store_eight(words + 24, d)
  }
}

/// Room for 128 elements of both rows.
private struct FloatBlocks {
  private var a = lanes_room(), b = lanes_room(), c = lanes_room(), d = lanes_room()
}

/// Copies at most 128 elements of both rows, with -infinity, whose terms are 0, behind them and for those left out.
@inline(never)
private func fill(
  _ copy: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ left: Int, _ skip: Int,
  _ other: Int
) {
  for lane in 0..<128 {
    let counts = lane < left && lane != skip && lane != other
    copy[lane] = counts ? x[lane] : -.infinity
    copy[128 &+ lane] = counts ? y[lane] : -.infinity
  }
}

/// Two vectors in step, each of which hides that the other waits.
private struct Two {
  var a, b: FloatLanes

  @_transparent
  init(_ a: FloatLanes, _ b: FloatLanes) { (self.a, self.b) = (a, b) }
  @_transparent
  init(_ data: UnsafePointer<Float>) { self.init(lanes_load_f32(data), lanes_load_f32(data + 16)) }
  @_transparent
  init(repeating x: Float) { self.init(FloatLanes(repeating: x), FloatLanes(repeating: x)) }

  /// Whether all are below a limit; NaN is not.
  @_transparent
  func areBelow(_ limit: Float) -> Bool { lanes_are_below_f32(a, limit) & lanes_are_below_f32(b, limit) != 0 }

  @_transparent
  static func + (x: Two, y: Two) -> Two { Two(x.a + y.a, x.b + y.b) }
  @_transparent
  static func - (x: Two, y: Two) -> Two { Two(x.a - y.a, x.b - y.b) }
  @_transparent
  static func * (x: Two, y: Two) -> Two { Two(x.a * y.a, x.b * y.b) }
  @_transparent
  static func * (x: Two, y: FloatLanes) -> Two { Two(x.a * y, x.b * y) }
  @_transparent
  static func + (x: Two, y: Float) -> Two { Two(x.a + y, x.b + y) }
  @_transparent
  static func - (x: Two, y: FloatLanes) -> Two { Two(x.a - y, x.b - y) }
}

@_transparent
private func fma(_ x: Two, _ y: Two, _ z: Two) -> Two {
  Two(lanes_fma_f32(x.a, y.a, z.a), lanes_fma_f32(x.b, y.b, z.b))
}
@_transparent
private func fma(_ x: Two, _ y: Float, _ z: Two) -> Two { fma(x, Two(repeating: y), z) }
@_transparent
private func fma(_ x: Two, _ y: Float, _ z: Float) -> Two { fma(x, Two(repeating: y), Two(repeating: z)) }

@_transparent
private func magnitude(_ x: FloatLanes) -> FloatLanes {
  unsafeBitCast(unsafeBitCast(x, to: FloatBits.self) & FloatBits(repeating: 0x7fff_ffff), to: FloatLanes.self)
}

/// The sum of both, added to another.
@_transparent
private func add(_ x: Two, to sum: inout FloatLanes) { sum = (sum + x.a) + x.b }
@_transparent
private func add(_ x: Two, times y: Two, to sum: inout FloatLanes) {
  sum = lanes_fma_f32(x.b, y.b, lanes_fma_f32(x.a, y.a, sum))
}

/// A block's sums.
private struct FloatSums {
  var a = FloatLanes.zero, b = FloatLanes.zero, c = FloatLanes.zero, d = FloatLanes.zero, e = FloatLanes.zero
}

/// e^x / 2^exponent; 0 from 2^-127 on, NaN at NaN. As FloatTerm, for logits near 0 at a temperature of 1.
private struct PlainTerm {
  private let floor: FloatLanes
  private let bias: Int32

  @inline(__always)
  init(_ exponent: Double) {
    floor = FloatLanes(repeating: Float((exponent - 127) * ln2))
    // (A conversion would trap where there is no such integer.)
    let whole = Int32(truncatingIfNeeded: (exponent + 0x1.8p52).bitPattern)
    bias = 0x4b40_0000 &+ whole &- 127
  }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Two) -> Two {
    // (A comparison with NaN is false, which keeps it.)
    let y = Two(lanes_max_f32(floor, x.a), lanes_max_f32(floor, x.b))
    let shifted = fma(y, 0x1.715476p+0, 0x1.8p23)
    let k = shifted + -0x1.8p23
    let r = fma(k, 0x1.05c61p-29, fma(k, -0x1.62e43p-1, y))
    let s = r * r
    let e01 = fma(r, 0x1.5554dcp-3, 0x1p-1)
    let e23 = fma(r, 0x1.120cp-7, 0x1.555518p-5)
    let bent = fma(s, fma(s, 0x1.6d119ap-10, e23), e01)
    let whole = fma(s, bent, r) + 1
    return Two(lanes_scaled_f32(whole.a, shifted.a, bias), lanes_scaled_f32(whole.b, shifted.b, bias))
  }
}

/// The terms of outcomes of two rows of floats. Where all of a block are near, |r| < 1, everything is p times a polynomial
/// of r: one exponential. Elsewhere the second row's own is needed.
private struct FloatPair {
  private let p, q: PlainTerm
  private let factor, shift, shiftLow, greatestP, greatestQ: FloatLanes

  @inline(__always)
  init(_ units: borrowing lanes_logit_units) {
    (p, q) = (PlainTerm(units.exponent_p), PlainTerm(units.exponent_q))
    factor = FloatLanes(repeating: Float(units.factor))
    shift = FloatLanes(repeating: Float(units.shift.high))
    shiftLow = FloatLanes(repeating: Float(units.shift.low))
    greatestP = FloatLanes(repeating: Float(units.greatest_p))
    greatestQ = FloatLanes(repeating: Float(units.greatest_q))
  }

  /// y - x - shift, the difference in two words: what they have in common cancels exactly.
  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  private func ratio(_ x: Two, _ y: Two) -> Two {
    let d = y - x
    let part = d - y
    let low = (y - (d - part)) - (x + part)
    return (d - shift) + (low - shiftLow)
  }

  /// e^r - 1 - r.
  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  private func line(_ r: Two, _ square: Two) -> Two {
    let e01 = fma(r, 0x1.55557ap-3, 0x1p-1)
    let e23 = fma(r, 0x1.10fda2p-7, 0x1.55551cp-5)
    let e45 = fma(r, 0x1.aa206ep-13, 0x1.6c2386p-10)
    return square * fma(square, fma(square, fma(square, 0x1.a31842p-16, e45), e23), e01)
  }

  /// The Jensen-Shannon term over p + q, for |r| < 1: ((r / 2) tanh(r / 2) - log cosh(r / 2)) / 2.
  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  private func nearHalf(_ square: Two) -> Two {
    let c23 = fma(square, -0x1.7be7d6p-14, 0x1.c6d47cp-11), c01 = fma(square, -0x1.ffff14p-8, 0x1p-4)
    let fourth = square * square
    return square * fma(fourth, fma(fourth, 0x1.f9fc58p-18, c23), c01)
  }

  /// Adds 32 outcomes if all are near; else it says that they are not.
  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func addTotals(_ x: Two, _ y: Two, _ sums: inout FloatSums) -> Bool {
    let r = ratio(x, y), square = r * r
    guard square.areBelow(1) else { return false }
    let term = p(x), g = r + line(r, square), other = fma(term, g, term)
    add(term, to: &sums.a)
    add(term, times: g, to: &sums.b)
    add(other, to: &sums.c)
    add(term, times: x - greatestP, to: &sums.d)
    add(other, times: y - greatestQ, to: &sums.e)
    return true
  }

  /// What a block adds of which some are not near.
  @inline(never)
  func totals(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>) -> FloatSums {
    var sums = FloatSums()
    var lane = 0
    while lane < 128 {
      let x = Two(x + lane), y = Two(y + lane)
      let r = ratio(x, y), square = r * r
      let term = p(x), g = r + line(r, square), near = fma(term, g, term), far = q(y) * factor
      addTotals(x.a, y.a, r.a, square.a, term.a, g.a, near.a, far.a, &sums)
      addTotals(x.b, y.b, r.b, square.b, term.b, g.b, near.b, far.b, &sums)
      lane &+= 32
    }
    return sums
  }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  private func addTotals(
    _ x: FloatLanes, _ y: FloatLanes, _ r: FloatLanes, _ square: FloatLanes, _ term: FloatLanes, _ g: FloatLanes,
    _ near: FloatLanes, _ far: FloatLanes, _ sums: inout FloatSums
  ) {
    let isNear = square .< 1
    let other = far.replacing(with: near, where: isNear)
    let isBroken = (r - r .!= 0) .& (x .!= y)
    sums.a += term.replacing(with: .nan, where: isBroken)
    sums.b += (far - term).replacing(with: term * g, where: isNear)
    sums.c += other
    sums.d += times(term, x - greatestP)
    sums.e += times(other, y - greatestQ)
  }

  /// 0 where the term is, though the distance is infinite.
  @_transparent
  private func times(_ term: FloatLanes, _ distance: FloatLanes) -> FloatLanes {
    (term * distance).replacing(with: 0, where: term .== 0)
  }

  /// Adds 32 outcomes if all are near; else it says that they are not.
  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func addTerms(_ x: Two, _ y: Two, _ sums: inout FloatSums) -> Bool {
    let r = ratio(x, y), square = r * r
    guard square.areBelow(1) else { return false }
    let term = p(x), line = line(r, square), g = r + line
    add(term, times: line, to: &sums.a)
    add(term, times: Two(lanes_fms_f32(r.a, g.a, line.a), lanes_fms_f32(r.b, g.b, line.b)), to: &sums.b)
    add(term * (g + 2), times: nearHalf(square), to: &sums.c)
    add(term, times: Two(magnitude(g.a), magnitude(g.b)), to: &sums.d)
    return true
  }

  /// What a block adds of which some are not near.
  @inline(never)
  func terms(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>) -> FloatSums {
    var sums = FloatSums()
    var lane = 0
    while lane < 128 {
      let x = Two(x + lane), y = Two(y + lane)
      let r = ratio(x, y), square = r * r
      let term = p(x), line = line(r, square), g = r + line, half = nearHalf(square), far = q(y) * factor
      addTerms(r.a, square.a, term.a, line.a, g.a, half.a, far.a, &sums)
      addTerms(r.b, square.b, term.b, line.b, g.b, half.b, far.b, &sums)
      lane &+= 32
    }
    return sums
  }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  private func addTerms(
    _ r: FloatLanes, _ square: FloatLanes, _ term: FloatLanes, _ line: FloatLanes, _ g: FloatLanes, _ half: FloatLanes,
    _ far: FloatLanes, _ sums: inout FloatSums
  ) {
    let isNear = square .< 1
    let a = lanes_fma_f32(term, 0 - r, far - term).replacing(with: far, where: term .== 0)
    let b = lanes_fma_f32(far, r, term - far).replacing(with: term, where: far .== 0)
    sums.a += a.replacing(with: term * line, where: isNear)
    sums.b += b.replacing(with: term * lanes_fms_f32(r, g, line), where: isNear)
    sums.c += farHalf(term, far, r).replacing(with: term * (g + 2) * half, where: isNear)
    sums.d += magnitude(far - term).replacing(with: term * magnitude(g), where: isNear)
  }

  /// The Jensen-Shannon term elsewhere, with s the lesser of p and q: ((p + q) (log 2 - log(1 + e^-|r|)) - |r| s) / 2,
  /// log(1 + e^-|r|) = 2 atanh(s / (2 p + 2 q - s)).
  @_transparent
  private func farHalf(_ p: FloatLanes, _ q: FloatLanes, _ r: FloatLanes) -> FloatLanes {
    let sum = p + q
    let lesser = q.replacing(with: p, where: p .< q)
    let z = lesser / (sum + (sum - lesser))
    let square = z * z
    let even = lanes_fma_f32(
      square, lanes_fma_f32(square, FloatLanes(repeating: 0x1.a3abd6p-3), FloatLanes(repeating: 0x1.554b9cp-2)),
      FloatLanes(repeating: 1))
    let log = lanes_fma_f32(z + z, 0 - even, FloatLanes(repeating: 0x1.62e43p-1))
    let value = lanes_fma_f32(sum, log, 0 - magnitude(r) * lesser)
    return 0.5 * value.replacing(with: sum * 0x1.62e43p-1, where: lesser .== 0)
  }
}
