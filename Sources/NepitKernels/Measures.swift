// The terms of each measure.
//
// Those with "first" in their comment read weights of unknown totals and watch
// for invalid elements; the others are told the totals and read weights that
// are known to be good.

import CSystem

/// First look: the total, the greatest, how many are not 0.
struct Scan: Reduction {
  static var sums: Int { 2 }
  static var isExact: Bool { true }
  static var watches: Bool { true }
  static var isPaired: Bool { false }
  private let scale: Double
  init(_ parameters: borrowing lanes_parameters) { scale = parameters.scale_p }
  @_transparent
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    Terms(a: p * scale, b: select(p .== 0, 0, Lanes(repeating: 1)))
  }
}

/// First look at two rows: their totals, the mass of q where p has some, and of p where q has.
struct PairScan: Reduction {
  static var sums: Int { 4 }
  static var isExact: Bool { true }
  static var watches: Bool { true }
  private let scaleP, scaleQ: Double
  init(_ parameters: borrowing lanes_parameters) { (scaleP, scaleQ) = (parameters.scale_p, parameters.scale_q) }
  @_transparent
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let (a, b) = (p * scaleP, q * scaleQ)
    return Terms(a: a, b: b, c: select(p .== 0, 0, b), d: select(q .== 0, 0, a))
  }
}

/// Entropy, first: sum p, sum p log p.
struct EntropyTerms: Reduction {
  static var sums: Int { 2 }
  static var watches: Bool { true }
  static var isPaired: Bool { false }
  init(_ parameters: borrowing lanes_parameters) {}
  @_transparent
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms { Terms(a: p, b: p * quickLog(p, least: -1200)) }
}

/// log x of any x >= 0.
@_transparent
private func anyLog(_ x: Lanes) -> Lanes {
  let isTiny = x .< 0x1p-1022
  return laneCount == 16
    ? fullLog(x) : fullLog(select(isTiny, x * 0x1p54, x), raised: select(isTiny, 54, Lanes.zero))
}

/// Cross-entropy, first: sum p, sum q, sum p log q.
struct CrossEntropyTerms: Reduction {
  static var sums: Int { 3 }
  static var watches: Bool { true }
  init(_ parameters: borrowing lanes_parameters) {}
  @_transparent
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    Terms(a: p, b: q, c: select(p .== 0, 0, p * anyLog(q)))
  }
}

/// The surprisal of q under p, apart from an outcome that holds more than half of q's weight (`threshold`, scaled):
/// sum p log q, sum p, sum q over the others, and p of that one.
///
/// Where one outcome dominates, log q of it cancels against log Q; its complement, the third sum, does not.
struct SurprisalTerms: Reduction {
  static var sums: Int { 4 }
  private let threshold, scaleP, scaleQ: Double
  init(_ parameters: borrowing lanes_parameters) {
    (threshold, scaleP, scaleQ) = (parameters.threshold, parameters.scale_p, parameters.scale_q)
  }
  @inline(__always)
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let p = p * scaleP, scaled = q * scaleQ
    let dominates = scaled .> threshold
    let term = select(p .== 0, 0, p * anyLog(scaled))
    return Terms(
      a: select(dominates, 0, term), b: select(dominates, 0, p), c: select(dominates, 0, scaled),
      d: select(dominates, p, Lanes.zero))
  }
}

// MARK: - Differences of two distributions

/// How weights become a pair of numbers of one scale with a known difference.
protocol Comparison {
  init(_ parameters: borrowing lanes_parameters)
  static var isFirst: Bool { get }
  /// (p's, q's, q's - p's)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (b: Lanes, a: Lanes, d: Lanes)
}

/// As they are: right where the totals agree, and what is off otherwise is known afterwards.
struct AsGiven: Comparison {
  static var isFirst: Bool { true }
  init(_ parameters: borrowing lanes_parameters) {}
  @_transparent
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (b: Lanes, a: Lanes, d: Lanes) { (p, q, q - p) }
}

/// Each times the other's total, in two words: p Q and q P, whose difference keeps its relative accuracy.
struct Normalized: Comparison {
  static var isFirst: Bool { false }
  private let scaleP, scaleQ: Double
  private let p, q: lanes_pair
  init(_ parameters: borrowing lanes_parameters) {
    (scaleP, scaleQ) = (parameters.scale_p, parameters.scale_q)
    (p, q) = (parameters.total_p, parameters.total_q)
  }
  @_transparent
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (b: Lanes, a: Lanes, d: Lanes) {
    let (b, a) = inTwoWords(p, q)
    return (b.0, a.0, (a.0 - b.0) + (a.1 - b.1))
  }
  @_transparent
  func inTwoWords(_ p: Lanes, _ q: Lanes) -> (b: (Lanes, Lanes), a: (Lanes, Lanes)) {
    // + 0 makes 0 of -0, whose square root and reciprocal have its sign.
    let (p, q) = (p * scaleP + 0, q * scaleQ + 0)
    let b = p * self.q.high, a = q * self.p.high
    let bRest = fma(p, self.q.low, fma(p, Lanes(repeating: self.q.high), -b))
    let aRest = fma(q, self.p.low, fma(q, Lanes(repeating: self.p.high), -a))
    return ((b, bRest), (a, aRest))
  }
}

/// A sum of `value` over outcomes; first: of p and q - p too, as the second and third sums.
protocol Difference {
  associatedtype Form: Comparison
  init(_ parameters: borrowing lanes_parameters)
  func value(_ b: Lanes, _ a: Lanes, _ d: Lanes, fine: Bool) -> Lanes
}

struct DifferenceSum<D: Difference>: Reduction {
  static var sums: Int { D.Form.isFirst ? 3 : 1 }
  static var watches: Bool { D.Form.isFirst }
  static var watchesGreatest: Bool { false }
  private let form: D.Form
  let difference: D
  init(_ parameters: borrowing lanes_parameters) {
    form = D.Form(parameters)
    difference = D(parameters)
  }
  @_transparent
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let (b, a, d) = form(p, q)
    let value = difference.value(b, a, d, fine: fine)
    return D.Form.isFirst ? Terms(a: value, b: p, c: d) : Terms(a: value)
  }
}

struct KullbackLeibler<Form: Comparison>: Difference {
  init(_ parameters: borrowing lanes_parameters) {}
  @_transparent
  func value(_ b: Lanes, _ a: Lanes, _ d: Lanes, fine: Bool) -> Lanes { divergenceTerm(b, a, d, fine: fine) }
}

/// `divergenceTerm` where two of them stand in one loop: with fewer registers than AVX-512's, by a call.
#if NEPIT_WIDEST
  @_transparent
#else
  @inline(never)
#endif
private func divergenceHalf(_ b: Lanes, _ a: Lanes, _ d: Lanes, fine: Bool) -> Lanes {
  divergenceTerm(b, a, d, fine: fine)
}

/// The two halves of Jensen–Shannon: D(p || m) of a pair, and D(q || m).
struct MeanDivergence {
  private let weight, other: Double
  init(_ parameters: borrowing lanes_parameters) {
    weight = parameters.weight
    other = 1 - parameters.weight
  }
  @_transparent
  func halves(_ b: Lanes, _ a: Lanes, _ d: Lanes, fine: Bool) -> (Lanes, Lanes) {
    let m = fma(b, weight, other * a)
    // Both differences from the mean are multiples of d: nothing cancels.
    return (divergenceHalf(b, m, other * d, fine: fine), divergenceHalf(a, m, -weight * d, fine: fine))
  }
}

struct JensenShannon: Difference {
  typealias Form = AsGiven
  private let mean: MeanDivergence
  let weight: Double
  init(_ parameters: borrowing lanes_parameters) {
    mean = MeanDivergence(parameters)
    weight = parameters.weight
  }
  @_transparent
  func value(_ b: Lanes, _ a: Lanes, _ d: Lanes, fine: Bool) -> Lanes {
    let (first, second) = mean.halves(b, a, d, fine: fine)
    return weight * first + (1 - weight) * second
  }
}

/// Jensen–Shannon of known totals: both halves.
struct JensenShannonHalves: Reduction {
  static var sums: Int { 2 }
  private let form: Normalized
  private let mean: MeanDivergence
  init(_ parameters: borrowing lanes_parameters) {
    form = Normalized(parameters)
    mean = MeanDivergence(parameters)
  }
  @_transparent
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let (b, a, d) = form(p, q)
    let (first, second) = mean.halves(b, a, d, fine: fine)
    return Terms(a: first, b: second)
  }
}

struct Jeffreys<Form: Comparison>: Difference {
  init(_ parameters: borrowing lanes_parameters) {}
  @_transparent
  func value(_ b: Lanes, _ a: Lanes, _ d: Lanes, fine: Bool) -> Lanes {
    let term = d * Ratio(a, over: b, difference: d, fine: fine).logarithm
    return select((b .== 0) .| (a .== 0), select(d .== 0, 0, Lanes(repeating: .infinity)), term)
  }
}

/// Where q is greater and where p is: the differences, which agree, and p's mass. A difference is as exact as its mass is
/// small, so the lighter side gives the value.
struct TotalVariation: Reduction {
  static var sums: Int { 4 }
  private let form: Normalized
  init(_ parameters: borrowing lanes_parameters) { form = Normalized(parameters) }
  @inline(__always)
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let (b, _, d) = form(p, q)
    let isUp = d .> 0, isDown = d .< 0
    let zero = Lanes.zero
    return Terms(
      a: select(isUp, d, zero), b: select(isDown, 0 - d, zero), c: select(isUp, b, zero), d: select(isDown, b, zero))
  }
}

/// Relative to q; with the rows exchanged it is Neyman's.
struct ChiSquared: Difference {
  typealias Form = Normalized
  init(_ parameters: borrowing lanes_parameters) {}
  @inline(__always)
  func value(_ b: Lanes, _ a: Lanes, _ d: Lanes, fine: Bool) -> Lanes {
    select(a .== 0, select(b .== 0, 0, Lanes(repeating: .infinity)), d * (d / a))
  }
}

/// Jeffreys divergence of probabilities raised to a floor, which is `threshold` + `value`.
struct Stability: Reduction {
  static var sums: Int { 1 }
  private let form: Normalized
  private let floor, floorRest: Double
  private let jeffreys: Jeffreys<Normalized>
  init(_ parameters: borrowing lanes_parameters) {
    form = Normalized(parameters)
    (floor, floorRest) = (parameters.threshold, parameters.value)
    jeffreys = Jeffreys(parameters)
  }
  @inline(__always)
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let (b, a) = form.inTwoWords(p, q)
    let isLowB = b.0 .< floor, isLowA = a.0 .< floor
    let (b0, b1) = (select(isLowB, floor, b.0), select(isLowB, floorRest, b.1))
    let (a0, a1) = (select(isLowA, floor, a.0), select(isLowA, floorRest, a.1))
    return Terms(a: jeffreys.value(b0, a0, (a0 - b0) + (a1 - b1), fine: fine))
  }
}

/// sum (sqrt a - sqrt b)², and sum sqrt(a b).
struct HellingerTerms: Reduction {
  static var sums: Int { 2 }
  private let form: Normalized
  init(_ parameters: borrowing lanes_parameters) { form = Normalized(parameters) }
  @inline(__always)
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let (b, a, d) = form(p, q)
    let (rootB, rootA) = (lanes_sqrt(b), lanes_sqrt(a))
    let change = select(d .== 0, 0, d / (rootA + rootB))
    return Terms(a: change * change, b: rootA * rootB)
  }
}

/// The α-divergences' common part, for an exponent β <= 1/2 of q and 1 - β of p:
///
///     psi = (1 + β t - (1 + t)^β) / (β (1 - β)),  t = q / p - 1, at least 0 for every β
///
/// First sum p psi, then sum p ((1 + t) e^shift)^β, then of its first and second derivatives by β: those locate
/// the Chernoff exponent. The first derivative's terms are of second order in t, by sum (q - p) = 0, unless `value` is
/// set: for p far from q the sum is far smaller than those.
struct PowerTerms: Reduction {
  static var sums: Int { 4 }
  private let form: Normalized
  private let exponent, shift, inverse, otherInverse: Double
  private let isFar: Bool
  init(_ parameters: borrowing lanes_parameters) {
    form = Normalized(parameters)
    (exponent, shift, isFar) = (parameters.order, parameters.shift, parameters.value != 0)
    (inverse, otherInverse) = (exponent == 0 ? 0 : 1 / exponent, 1 / (1 - exponent))
  }
  @inline(__always)
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let (b, a, d) = form(p, q)
    let ratio = Ratio.called(a, over: b, difference: d)
    let logarithm = ratio.logarithm
    let excess = ratio.excess(b, d)
    let x = logarithm * exponent
    let power = Exponential(x)
    // (e^x - 1 - x) / β, which goes to 0 with β.
    let bent = power.lessLine(x) * inverse
    let noP = b .== 0, noQ = a .== 0, none = noP .| noQ
    var psi = (excess - b * bent) * otherInverse
    psi = select(noP, a * otherInverse, psi)
    psi = select(noQ .& .!noP, exponent > 0 ? b * inverse : Lanes(repeating: .infinity), psi)
    let shifted = shift == 0 ? power.value : Exponential((logarithm + shift) * exponent).value
    return Terms(
      a: psi, b: select(none, 0, b * shifted),
      c: isFar
        ? select(none, 0, b * power.value * logarithm)
        : select(none, -d, b * (logarithm * power.lessOne) - excess),
      d: select(none, 0, b * power.value * (logarithm * logarithm)))
  }
}

/// The greatest log(p / q), at least 0, with the bits that `PowerTerms` gets.
struct RatioScan: Reduction {
  static var sums: Int { 0 }
  static var watchesRatio: Bool { true }
  private let form: Normalized
  init(_ parameters: borrowing lanes_parameters) { form = Normalized(parameters) }
  @_transparent
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms { Terms() }
  @inline(__always)
  func ratio(_ p: Lanes, _ q: Lanes) -> Lanes {
    let (b, a, d) = form(p, q)
    let logarithm = Ratio.called(a, over: b, difference: d).logarithm
    return select(b .== 0, 0, select(a .== 0, Double.infinity, 0 - logarithm))
  }
}

/// Rényi's sums: of (p^α - p) · `factor`, apart from an outcome of more than half the weight; of (p / greatest)^α.
struct RenyiTerms: Reduction {
  static var sums: Int { 2 }
  static var isPaired: Bool { false }
  private let scale, threshold, order, factor: Double
  private let total: lanes_pair          // the logarithm of the scaled total
  private let greatest: lanes_pair       // that of the greatest
  private let inverse: Double
  init(_ parameters: borrowing lanes_parameters) {
    (scale, threshold, order) = (parameters.scale_p, parameters.threshold, parameters.order)
    (total, inverse, factor) = (parameters.total_q, parameters.value, parameters.factor)
    greatest = parameters.greatest
  }
  @inline(__always)
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    let scaled = p * scale
    let logarithm = Precise(logOf: scaled)
    let own = logarithm.less(total), relative = logarithm.less(greatest)
    let probability = scaled * inverse
    // p^α - p: as p (e^((α-1) log p) - 1) where that is small, or it would cancel.
    let slope = (order - 1) * (own.high + own.low)
    let near = (probability * factor) * Exponential(slope).lessOne
    let far = (own.power(order) - probability) * factor
    let change = select(magnitude(slope) .< 1, near, far)
    return Terms(
      a: select((p .== 0) .| (scaled .> threshold), 0, change), b: select(p .== 0, 0, relative.power(order)))
  }
}

/// sum max(p - floor, 0) of probabilities.
struct FloorTerms: Reduction {
  static var sums: Int { 1 }
  static var isPaired: Bool { false }
  private let scale, total, floor: Double
  init(_ parameters: borrowing lanes_parameters) {
    (scale, total, floor) = (parameters.scale_p, parameters.total_p.high, parameters.threshold)
  }
  @inline(__always)
  func terms(_ p: Lanes, _ q: Lanes, fine: Bool) -> Terms {
    // Less the floor, so that the zeros behind a row's end add nothing.
    Terms(a: greater(.zero, p * scale / total - floor))
  }
}
