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

  @inline(__always)
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
    var a = Eight.zero, b = Eight.zero, c = Eight.zero, d = Eight.zero
    var bad = Lanes.zero
    var done = 0
    while done < count {
      let left = count &- done
      let p = loadLogits(x + done &* E.stride, left, type), q = loadLogits(y + done &* E.stride, left, type)
      bad = select(p .!= p, p, select(q .!= q, q, bad))
      let u = Term(p, from: first), v = Term(q, from: second)
      add(u.value, to: &a)
      add(u.value * u.distance, to: &b)
      add(v.value, to: &c)
      add(v.value * v.distance, to: &d)
      done &+= laneCount
    }
    add(bad, to: &a)
    collect(a, 0, sums)
    collect(b, 1, sums)
    collect(c, 2, sums)
    collect(d, 3, sums)
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
    var a = Eight.zero, b = Eight.zero, c = Eight.zero, d = Eight.zero
    var done = 0
    while done < count {
      let left = count &- done
      let p = loadLogits(x + done &* E.stride, left, type), q = loadLogits(y + done &* E.stride, left, type)
      let terms = comparison(p, q)
      add(terms.a, to: &a)
      add(terms.b, to: &b)
      add(terms.c, to: &c)
      add(terms.d, to: &d)
      done &+= laneCount
    }
    collect(a, 0, sums)
    collect(b, 1, sums)
    collect(c, 2, sums)
    collect(d, 3, sums)
  }
  switch element {
  case .double: run(Double.self)
  case .float: run(Float.self)
  @unknown default: break
  }
}

/// As many elements as there are lanes, -infinity for those that are missing.
@inline(__always)
private func loadLogits<E: Element>(_ data: UnsafeRawPointer, _ left: Int, _ element: E.Type) -> Lanes {
  if left >= laneCount { return E.load(data) }
  var value = E.loadPart(data, left)
  withUnsafeMutableBytes(of: &value) { words in
    let words = words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
    for lane in 0..<laneCount where lane >= left { words[lane] = -.infinity }
  }
  return value
}

/// 16 lanes are two of 8, one after the other: the same sums on every machine.
@inline(__always)
private func add(_ x: Lanes, to sum: inout Eight) {
  sum += lanes_first(x)
  if laneCount == 16 { sum += lanes_second(x) }
}

/// A piece's sum into the row's, which is compensated.
@inline(__always)
private func collect(_ sum: Eight, _ index: Int, _ sums: UnsafeMutablePointer<lanes_logit_sums>) {
  let words = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Double.self) + 16 &* index
  var high = lanes_load_eight(words), low = lanes_load_eight(words + 8)
  compensate(sum, &high, &low)
  lanes_store_eight(words, high)
  lanes_store_eight(words + 8, low)
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

  @inline(__always)
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
    terms.c = sum * select(size .< 0.5, Self.nearHalf(g), Self.farHalf(size))
    terms.d = 0.5 * select(isNear, p * magnitude(g), magnitude(q - p))
    terms.a = select(counts, terms.a, .zero)
    terms.b = select(counts, terms.b, .zero)
    terms.c = select(counts, terms.c, .zero)
    terms.d = select(counts, terms.d, .zero)
    return terms
  }

  /// The Jensen-Shannon term over p + q, for |r| < 1/2: (t atanh t + log(1 - t²) / 2) / 2, t = tanh(r / 2), a series.
  @inline(__always)
  private static func nearHalf(_ g: Lanes) -> Lanes {
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
  #if NEPIT_WIDE
    @inline(__always)
  #else
    @inline(never)
  #endif
  private static func farHalf(_ size: Lanes) -> Lanes {
    let s = Exponential(0 - size).value
    let one = Lanes(repeating: 1)
    let rest = Ratio(one + s, over: one, difference: s, fine: true).logarithm
    return 0.5 * ((ln2 - rest) - size * s / (1 + s))
  }
}
