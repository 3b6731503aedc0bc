// How far the softmaxes of two rows of logits are apart, as a loss: the terms of
// one divergence, and its gradients by both rows. docs/numerics.md derives them.

import CSystem

/// One outcome: its probabilities p and q, and r = log(q / p) from the logits' own difference, so that what the rows
/// have in common cancels before anything is rounded.
struct Outcome {
  let p, q, r: Lanes
  /// r, but between -800 and 700, and e^r - 1 and e^r - 1 - r of it.
  let limit, lessOne, lessLine: Lanes

  /// |r| < 1. (A mask that is stored would be taken apart lane by lane.)
  @_transparent
  var isNear: Mask { magnitude(limit) .< 1 }
}

/// How outcomes are read.
struct OutcomeReader {
  private let first, second: DoubleTerm
  private let inverseP, inverseQ, inverse: Double
  private let shift: lanes_pair

  @inline(__always)
  init(_ parameters: borrowing lanes_divergence) {
    first = DoubleTerm(from: parameters.greatest_p, temperature: parameters.temperature)
    second = DoubleTerm(from: parameters.greatest_q, temperature: parameters.temperature)
    (inverseP, inverseQ, inverse) = (1 / parameters.total_p, 1 / parameters.total_q, 1 / parameters.temperature)
    shift = parameters.shift
  }

  @inline(never)
  func callAsFunction(_ x: Lanes, _ y: Lanes) -> Outcome {
    let p = first(x).term * inverseP, q = second(y).term * inverseQ
    let d = y - x
    let part = d - y
    let low = (y - (d - part)) - (x + part)
    let r = ((d - shift.high) + select(low .== low, low - shift.low, .zero)) * inverse
    // (NaN, where both logits are -infinity, becomes a number: p and q are 0.)
    let limit = greater(Lanes(repeating: -800), limited(r, to: 700)), exponential = Exponential(limit)
    return Outcome(
      p: p, q: q, r: r, limit: limit, lessOne: exponential.lessOne, lessLine: exponential.lessLine(limit))
  }
}

// (What is computed of an outcome is a function of its own: one long function for all has its vectors taken apart into
// lanes.)

/// A divergence: what an outcome adds to up to three sums, and its components of the gradients by x and by y, times
/// the temperature.
protocol LogitDivergence {
  init(_ parameters: borrowing lanes_divergence)
  func terms(_ outcome: Outcome) -> Terms
  func slopes(_ outcome: Outcome) -> (p: Lanes, q: Lanes)
}

/// a: p; b: q - p; c: KL(p || q) where the sum of b is 0, terms of second order in r, each at least 0.
struct KullbackLeiblerOfLogits: LogitDivergence {
  private let mean: Double

  @inline(__always)
  init(_ parameters: borrowing lanes_divergence) { mean = parameters.mean_p }

  @_transparent
  private func difference(_ o: Outcome) -> Lanes { select(o.isNear, o.p * o.lessOne, o.q - o.p) }

  @inline(never)
  func terms(_ o: Outcome) -> Terms {
    var terms = Terms()
    terms.a = o.p
    terms.b = difference(o)
    terms.c = select(
      o.isNear, o.p * o.lessLine, select(o.p .== 0, o.q, (o.q - o.p) - o.p * o.r))
    return terms
  }

  @inline(never)
  func slopes(_ o: Outcome) -> (p: Lanes, q: Lanes) {
    (select(o.p .== 0, 0, 0 - o.p * (o.r + mean)), difference(o))
  }
}

/// With e the weight of q, m = (1 - e) p + e q and v = e (q - p) / p; a: (1 - e) KL(p || m) + e KL(q || m),
/// b: KL(p || m).
struct JensenShannonOfLogits: LogitDivergence {
  private let weight, rest, meanP, meanQ: Double

  @inline(__always)
  init(_ parameters: borrowing lanes_divergence) {
    (weight, rest) = (parameters.weight, 1 - parameters.weight)
    (meanP, meanQ) = (parameters.mean_p, parameters.mean_q)
  }

  /// v; where v <= 1 the logarithm of m / p = 1 + v, and v - log(1 + v); elsewhere, where m is mostly q, that of m / q.
  @_transparent
  private func mixture(_ g: Lanes) -> (v: Lanes, log: Lanes, excess: Lanes) {
    let one = Lanes(repeating: 1), v = weight * g
    let isHeavy = v .> 1
    let share = weight + rest / (1 + g)
    let ratio = Ratio(
      select(isHeavy, share, 1 + v), over: one, difference: select(isHeavy, share - 1, v), fine: true)
    return (v, ratio.logarithm, ratio.excess(one, v))
  }

  /// In each of a's forms the parts are of one order: e (r e^r - e^r + 1) and the mixture's are of second order in r,
  /// the second at most half of the first; where m is mostly q, no part is near another.
  @inline(never)
  func terms(_ o: Outcome) -> Terms {
    let g = o.lessOne, r = o.limit
    let (v, log, excess) = mixture(g)
    let isHeavy = v .> 1
    let bend = select(o.isNear, r * g - o.lessLine, (1 + g) * (r - 1) + 1)
    var terms = Terms()
    terms.a = select(
      isHeavy, 0 - (weight * o.q + rest * o.p) * log - rest * (o.p * r), o.p * (weight * bend - (v * log - excess)))
    terms.b = select(isHeavy, weight * (o.q - o.p) - o.p * (r + log), o.p * excess)
    return terms
  }

  @inline(never)
  func slopes(_ o: Outcome) -> (p: Lanes, q: Lanes) {
    let (v, log, _) = mixture(o.lessOne)
    let isHeavy = v .> 1
    let zero = Lanes.zero
    let byP = select(isHeavy, 0 - o.limit, zero) - log, byQ = select(isHeavy, zero, o.limit) - log
    return (rest * (o.p * (byP - meanP)), weight * (o.q * (byQ - meanQ)))
  }
}

/// a: |q - p| / 2; b and c: p and q with r's sign.
struct TotalVariationOfLogits: LogitDivergence {
  private let meanP, meanQ: Double

  @inline(__always)
  init(_ parameters: borrowing lanes_divergence) { (meanP, meanQ) = (parameters.mean_p, parameters.mean_q) }

  @_transparent
  private func sign(_ o: Outcome) -> Lanes { select(o.r .> 0, 1, select(o.r .< 0, -1, Lanes.zero)) }

  @inline(never)
  func terms(_ o: Outcome) -> Terms {
    let sign = sign(o)
    var terms = Terms()
    terms.a = 0.5 * select(o.isNear, o.p * magnitude(o.lessOne), magnitude(o.q - o.p))
    terms.b = o.p * sign
    terms.c = o.q * sign
    return terms
  }

  @inline(never)
  func slopes(_ o: Outcome) -> (p: Lanes, q: Lanes) {
    let sign = sign(o)
    return (0.5 * (o.p * (meanP - sign)), 0.5 * (o.q * (sign - meanQ)))
  }
}

/// A sum in 8 lanes; of terms in full precision, compensated.
struct LaneSum<E: Element> {
  private var high = Eight.zero, low = Eight.zero

  @_transparent
  mutating func add(_ x: Lanes) {
    if E.isFine {
      compensate(lanes_first(x), &high, &low)
      if laneCount == 16 { compensate(lanes_second(x), &high, &low) }
    } else {
      high += lanes_first(x)
      if laneCount == 16 { high += lanes_second(x) }
    }
  }

  /// Into a row's sum.
  @inline(__always)
  func collect(_ index: Int, _ sums: UnsafeMutablePointer<lanes_logit_sums>) {
    let words = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: Double.self) + 16 &* index
    var sum = lanes_load_eight(words), rest = lanes_load_eight(words + 8)
    compensate(high, &sum, &rest)
    lanes_store_eight(words, sum)
    lanes_store_eight(words + 8, E.isFine ? rest + low : rest)
  }
}

/// Adds up a divergence's terms over `count` outcomes.
@export(interface)
public func addDivergence(
  _ kind: lanes_divergence_kind, _ element: lanes_element, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_divergence>, _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  @inline(__always)
  func run<D: LogitDivergence>(_ type: D.Type) {
    switch element {
    case .double: add(type, Double.self, x, y, count, parameters, sums)
    case .float: add(type, Float.self, x, y, count, parameters, sums)
    @unknown default: break
    }
  }
  switch kind {
  case .kullback_leibler: run(KullbackLeiblerOfLogits.self)
  case .jensen_shannon: run(JensenShannonOfLogits.self)
  case .total_variation: run(TotalVariationOfLogits.self)
  @unknown default: break
  }
}

@inline(never)
private func add<D: LogitDivergence, E: Element>(
  _ divergence: D.Type, _ element: E.Type, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_divergence>, _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  let divergence = D(parameters.pointee), read = OutcomeReader(parameters.pointee)
  var a = LaneSum<E>(), b = LaneSum<E>(), c = LaneSum<E>()
  var done = 0
  while done < count {
    let left = count &- done
    let terms = divergence.terms(
      read(loadLogits(x + done &* E.stride, left, element), loadLogits(y + done &* E.stride, left, element)))
    a.add(terms.a)
    b.add(terms.b)
    c.add(terms.c)
    done &+= laneCount
  }
  a.collect(0, sums)
  b.collect(1, sums)
  c.collect(2, sums)
}

/// Writes a divergence's gradients by the first row's logits and by the second's, those that are wanted, as elements of
/// the rows' type; either may be written over its row.
@export(interface)
public func writeDivergence(
  _ kind: lanes_divergence_kind, _ element: lanes_element, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_divergence>, _ first: UnsafeMutableRawPointer?, _ second: UnsafeMutableRawPointer?
) {
  @inline(__always)
  func run<D: LogitDivergence>(_ type: D.Type) {
    switch element {
    case .double: write(type, Double.self, x, y, count, parameters, first, second)
    case .float: write(type, Float.self, x, y, count, parameters, first, second)
    @unknown default: break
    }
  }
  switch kind {
  case .kullback_leibler: run(KullbackLeiblerOfLogits.self)
  case .jensen_shannon: run(JensenShannonOfLogits.self)
  case .total_variation: run(TotalVariationOfLogits.self)
  @unknown default: break
  }
}

@inline(never)
private func write<D: LogitDivergence, E: Element>(
  _ divergence: D.Type, _ element: E.Type, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_divergence>, _ first: UnsafeMutableRawPointer?, _ second: UnsafeMutableRawPointer?
) {
  let divergence = D(parameters.pointee), read = OutcomeReader(parameters.pointee)
  let factor = parameters.pointee.factor
  var done = 0
  while done < count {
    let left = count &- done
    let slopes = divergence.slopes(
      read(loadLogits(x + done &* E.stride, left, element), loadLogits(y + done &* E.stride, left, element)))
    if let first { store(slopes.p * factor + 0, first + done &* E.stride, left, element) }
    if let second { store(slopes.q * factor + 0, second + done &* E.stride, left, element) }
    done &+= laneCount
  }
}

/// As many of the lanes as there are elements left, rounded to their type.
@inline(__always)
func store<E: Element>(_ value: Lanes, _ out: UnsafeMutableRawPointer, _ left: Int, _ element: E.Type) {
  if left >= laneCount { return E.store(value, out) }
  var part = Lanes.zero
  withUnsafeMutableBytes(of: &part) {
    let part = $0.baseAddress.unsafelyUnwrapped
    E.store(value, part)
    _ = memcpy(out, part, left &* E.stride)
  }
}
