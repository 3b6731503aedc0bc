// What is computed of each element: elementwise functions, gradients, smoothing.
//
// Gradients are with respect to the weights as given: scale_p / total_p is 1 / P.

import CSystem

/// Eight elements of each input to eight of each output.
protocol ElementMap {
  init(_ parameters: borrowing lanes_parameters)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes)
}

/// Two numbers at least 0 brought to a common scale at which `Ratio` holds, 2^-shift of what they were.
@inline(__always)
private func leveled(_ x: Lanes, _ y: Lanes) -> (x: Lanes, y: Lanes, back: (Lanes, Lanes), isFar: Mask) {
  let top = greater(x, y)
  let first = select(top .< 0x1p-400, 0x1p600, select(top .> 0x1p400, 0x1p-600, Lanes(repeating: 1)))
  let power = Parts(top * first).power
  let second = lanes(LaneBits(repeating: 0x3ff0_0000_0000_0000) &- power)
  let (x, y) = (x * first * second, y * first * second)
  let isFar = (x .< 0x1p-500) .| (y .< 0x1p-500)
  return (x, y, (1 / second, 1 / first), isFar)
}

struct Entr: ElementMap {
  init(_ parameters: borrowing lanes_parameters) {}
  @inline(__always)
  func callAsFunction(_ x: Lanes, _ unused: Lanes) -> (Lanes, Lanes) {
    let value = 0 - x * log(x)
    return (select(x .== 0, 0, select(x .< 0, -Double.infinity, value)), x)
  }
}

/// The values at the borders that `rel_entr` and `kl_div` share, over a value inside.
@inline(__always)
private func bordered(_ x: Lanes, _ y: Lanes, inside: Lanes, atZero: Lanes) -> Lanes {
  var value = select(x .== 0, atZero, inside)
  value = select((x .< 0) .| (y .< 0) .| ((y .== 0) .& (x .> 0)), Double.infinity, value)
  return select((x .!= x) .| (y .!= y), Double.nan, value)
}

struct RelEntr: ElementMap {
  init(_ parameters: borrowing lanes_parameters) {}
  @inline(__always)
  func callAsFunction(_ x: Lanes, _ y: Lanes) -> (Lanes, Lanes) {
    let (a, b, _, isFar) = leveled(x, y)
    let near = Ratio.called(b, over: a, difference: b - a).logarithm
    let far = log(y) - log(x)
    let ratio = select(isFar .| (x .== Double.infinity) .| (y .== Double.infinity), far, near)
    return (bordered(x, y, inside: 0 - x * ratio, atZero: .zero), y)
  }
}

struct KLDiv: ElementMap {
  init(_ parameters: borrowing lanes_parameters) {}
  @inline(__always)
  func callAsFunction(_ x: Lanes, _ y: Lanes) -> (Lanes, Lanes) {
    let (a, b, back, isFar) = leveled(x, y)
    let near = divergenceTerm(a, b, b - a, fine: true) * back.0 * back.1
    let far = (y - x) + x * (log(x) - log(y))
    var inside = select(isFar, far, near)
    inside = select((x .== Double.infinity) .!= (y .== Double.infinity), Double.infinity, inside)
    inside = select((x .== Double.infinity) .& (y .== Double.infinity), Double.nan, inside)
    return (bordered(x, y, inside: inside, atZero: y), y)
  }
}

/// h(p) and its derivative.
struct BinaryEntropy: ElementMap {
  private let unit: Double
  init(_ parameters: borrowing lanes_parameters) { unit = parameters.factor }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ unused: Lanes) -> (Lanes, Lanes) {
    let one = Lanes(repeating: 1)
    let rest = 1 - p
    let other = Ratio.called(rest, over: one, difference: 0 - p).logarithm
    let first = select(p .== 0, 0, p * log(p)), second = select(rest .== 0, 0, rest * other)
    let value = (0 - first) - second
    // Near 1/2 the difference 1 - 2p is exact; far below it 1 - p is 1.
    let near = Ratio.called(rest, over: p, difference: 1 - 2 * p).logarithm
    var slope = select(p .< 0x1p-400, 0 - log(p), near)
    slope = select(p .== 0, Double.infinity, select(p .== 1, -Double.infinity, slope))
    let isOutside = .!((p .>= 0) .& (p .<= 1))
    return (select(isOutside, Double.nan, value / unit), select(isOutside, Double.nan, slope / unit))
  }
}

// MARK: - Gradients

/// log of a probability; that of an outcome with more than half the weight is given, `dominant`.
struct LogProbability {
  private let scale, threshold, dominant: Double
  private let total: lanes_pair           // log of the scaled total

  init(scale: Double, threshold: Double, dominant: Double, total: lanes_pair) {
    (self.scale, self.threshold, self.dominant, self.total) = (scale, threshold, dominant, total)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes) -> Lanes {
    let scaled = p * scale
    let (high, low) = preciseLog(scaled)
    let logarithm = (high - total.high) + (low - total.low)
    return select(scaled .> threshold, dominant, logarithm)
  }
}

/// -(log p + H) / W; `value` is H, `value_q` the dominant outcome's log, total_q the total's log.
struct EntropyGradient: ElementMap {
  private let logarithm: LogProbability
  private let entropy, overTotal: Double
  init(_ parameters: borrowing lanes_parameters) {
    logarithm = LogProbability(
      scale: parameters.scale_p, threshold: parameters.threshold, dominant: parameters.value_q,
      total: parameters.total_q)
    entropy = parameters.value
    overTotal = parameters.scale_p / (parameters.total_p.high * parameters.factor)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ unused: Lanes) -> (Lanes, Lanes) {
    let slope = (0 - (logarithm(p) + entropy)) * overTotal
    return (select(p .== 0, Double.infinity, slope), p)
  }
}

/// a / (1 - a) (p^(a-1) / sum p^a - 1) / W. As a expm1((a-1) (log p + H)) / (1 - a) / W, which is right near order 1 and
/// near equal weights; where the exponent's terms are large, by powers relative to the greatest, whose sum is `weight`.
struct RenyiEntropyGradient: ElementMap {
  private let logarithm: LogProbability
  private let greatest: lanes_pair
  private let entropy, total, scale, order, factor, sum: Double
  init(_ parameters: borrowing lanes_parameters) {
    logarithm = LogProbability(
      scale: parameters.scale_p, threshold: parameters.threshold, dominant: parameters.value_q,
      total: parameters.total_q)
    (entropy, total, scale) = (parameters.value, parameters.total_p.high, parameters.scale_p)
    (order, factor) = (parameters.order, parameters.factor)
    (greatest, sum) = (parameters.greatest, parameters.weight)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ unused: Lanes) -> (Lanes, Lanes) {
    let scaled = p * scale
    var slope = Lanes.zero
    if order > 0 {
      let logarithm = logarithm(p), surplus = logarithm + entropy
      let x = (order - 1) * surplus
      // A product below 2^-60 might be denormal, and expm1 x is x.
      slope = select(magnitude(x) .< 0x1p-60, -order * surplus, order * Exponential(x).lessOne / (1 - order))
      if order > 2 {
        let power = Precise(logOf: scaled).less(greatest).power(order)
        let ratio = (power / (sum * (scaled / total)) - 1) * (order / (1 - order))
        slope = select(order * (magnitude(logarithm) + entropy) .> 16, ratio, slope)
      }
    }
    let atZero = order > 1 ? order / (order - 1) : Double.infinity
    return (select(p .== 0, atZero, slope) / (total * factor) * scale, p)
  }
}

/// (1 - [p is the greatest] / (ties max p)) / W: `value` is ties · max p, `threshold` the greatest weight.
struct MinEntropyGradient: ElementMap {
  private let share, greatest, total, scale, factor: Double
  init(_ parameters: borrowing lanes_parameters) {
    (share, greatest, total) = (parameters.value, parameters.threshold, parameters.total_p.high)
    (scale, factor) = (parameters.scale_p, parameters.factor)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ unused: Lanes) -> (Lanes, Lanes) {
    let slope = select(p * scale .== greatest, 1 - 1 / share, Lanes(repeating: 1))
    return (slope / (total * factor) * scale, p)
  }
}

/// What the gradients of two rows share.
struct PairSlopes {
  let form: Normalized
  private let overP, overQ: Double
  init(_ parameters: borrowing lanes_parameters) {
    form = Normalized(parameters)
    overP = parameters.scale_p / (parameters.total_p.high * parameters.factor)
    overQ = parameters.scale_q / (parameters.total_q.high * parameters.factor)
  }
  /// Over P and Q and the unit.
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes) { (p * overP, q * overQ) }
}

/// (1 - p / q), -infinity where only q is 0, 1 where p is.
@inline(__always)
private func referenceSlope(_ b: Lanes, _ a: Lanes, _ d: Lanes) -> Lanes {
  select(b .== 0, 1, select(a .== 0, -Double.infinity, d / a))
}

/// dp: -(log q + H(p, q)) / P, dq: (1 - p / q) / Q.
struct CrossEntropyGradient: ElementMap {
  private let slopes: PairSlopes
  private let logarithm: LogProbability
  private let value: Double
  init(_ parameters: borrowing lanes_parameters) {
    slopes = PairSlopes(parameters)
    logarithm = LogProbability(
      scale: parameters.scale_q, threshold: parameters.threshold, dominant: parameters.value_q,
      total: lanes_pair(high: parameters.order, low: parameters.shift))
    value = parameters.value
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes) {
    let (b, a, d) = slopes.form(p, q)
    let first = select(a .== 0, Double.infinity, 0 - (logarithm(q) + value))
    return slopes(value == .infinity ? Lanes(repeating: .nan) : first, referenceSlope(b, a, d))
  }
}

struct KLGradient: ElementMap {
  private let slopes: PairSlopes
  private let value: Double
  init(_ parameters: borrowing lanes_parameters) {
    slopes = PairSlopes(parameters)
    value = parameters.value
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes) {
    let (b, a, d) = slopes.form(p, q)
    let ratio = Ratio.called(a, over: b, difference: d).logarithm
    let first = select(b .== 0, select(a .== 0, 0, Lanes(repeating: -.infinity)), 0 - (ratio + value))
    return slopes(value == .infinity ? Lanes(repeating: .nan) : first, referenceSlope(b, a, d))
  }
}

/// `value` is D(p || q), `value_q` D(q || p).
struct JeffreysGradient: ElementMap {
  private let slopes: PairSlopes
  private let value, valueQ: Double
  init(_ parameters: borrowing lanes_parameters) {
    slopes = PairSlopes(parameters)
    (value, valueQ) = (parameters.value, parameters.value_q)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes) {
    let (b, a, d) = slopes.form(p, q)
    let ratio = Ratio.called(a, over: b, difference: d).logarithm
    let none = (b .== 0) .& (a .== 0)
    let first = select(none, 1 - value, (0 - ratio - value) - d / b)
    let second = select(none, 1 - valueQ, (ratio - valueQ) + d / a)
    return slopes(first, second)
  }
}

/// `value` is D(p || m), `value_q` D(q || m).
struct JensenShannonGradient: ElementMap {
  private let slopes: PairSlopes
  private let value, valueQ, weight, other: Double
  init(_ parameters: borrowing lanes_parameters) {
    slopes = PairSlopes(parameters)
    (value, valueQ) = (parameters.value, parameters.value_q)
    (weight, other) = (parameters.weight, 1 - parameters.weight)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes) {
    let (b, a, d) = slopes.form(p, q)
    let m = fma(b, weight, other * a)
    let fromP = Ratio.called(m, over: b, difference: other * d).logarithm
    let fromQ = Ratio.called(m, over: a, difference: -weight * d).logarithm
    let none = (b .== 0) .& (a .== 0)
    let first = select(none, -value, select(b .== 0, -Double.infinity, 0 - (fromP + value)))
    let second = select(none, -valueQ, select(a .== 0, -Double.infinity, 0 - (fromQ + valueQ)))
    return slopes(
      weight == 0 || other == 0 ? .zero : weight * first, weight == 0 || other == 0 ? .zero : other * second)
  }
}

/// Of the squared distance: (B - sqrt(q / p)) / (2 P); `value` is B.
struct HellingerGradient: ElementMap {
  private let slopes: PairSlopes
  private let value: Double
  init(_ parameters: borrowing lanes_parameters) {
    slopes = PairSlopes(parameters)
    value = parameters.value
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes) {
    let (b, a, _) = slopes.form(p, q)
    let none = (b .== 0) .& (a .== 0)
    let (rootB, rootA) = (lanes_sqrt(b), lanes_sqrt(a))
    return slopes(
      0.5 * (value - select(none, 0, rootA / rootB)), 0.5 * (value - select(none, 0, rootB / rootA)))
  }
}

/// dp: a (r - 1) / (a - 1) / P, dq: (1 - r p / q) / Q, r = p^(a-1) q^(1-a) / C. By
/// r = e^((1-a) (l + D)), l = log(q / p), which is right near order 1 and for p near q; where the exponent's terms are
/// large, relative to the greatest ratio, `shift`, at which C is `weight`.
struct RenyiDivergenceGradient: ElementMap {
  private let slopes: PairSlopes
  private let value, order, shift, sum: Double
  init(_ parameters: borrowing lanes_parameters) {
    slopes = PairSlopes(parameters)
    (value, order) = (parameters.value, parameters.order)
    (shift, sum) = (parameters.shift, parameters.weight)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes) {
    let (b, a, d) = slopes.form(p, q)
    let ratio = Ratio.called(a, over: b, difference: d).logarithm
    let noP = b .== 0, noQ = a .== 0
    var first = Exponential((1 - order) * (ratio + value)).lessOne
    var second = 0 - Exponential(-order * ratio - (order - 1) * value).lessOne
    if order > 2 {
      let share = Exponential((1 - order) * (ratio + shift)).value / sum
      let isLarge = order * (magnitude(ratio) + value) .> 16
      first = select(isLarge, share - 1, first)
      second = select(isLarge, 1 - share * (b / a), second)
    }
    first = select(noP, order < 1 ? .infinity : -1, first)
    first = select(noQ, -1, first) * (order / (order - 1))
    second = select(noQ, -Double.infinity, second)
    return slopes(first, select(noP, 1, second))
  }
}

// MARK: - Smoothing

/// (w + alpha) / (W + n alpha): `value` is alpha, scaled as the weights, and `value_q` the new total.
struct SmoothAdditive: ElementMap {
  private let scale, alpha, total: Double
  init(_ parameters: borrowing lanes_parameters) {
    (scale, alpha, total) = (parameters.scale_p, parameters.value, parameters.value_q)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ unused: Lanes) -> (Lanes, Lanes) { ((p * scale + alpha) / total, p) }
}

/// (1 - weight) p + weight q.
struct SmoothMix: ElementMap {
  private let scaleP, scaleQ, totalP, totalQ, weight: Double
  init(_ parameters: borrowing lanes_parameters) {
    (scaleP, scaleQ) = (parameters.scale_p, parameters.scale_q)
    (totalP, totalQ) = (parameters.total_p.high, parameters.total_q.high)
    weight = parameters.weight
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ q: Lanes) -> (Lanes, Lanes) {
    ((1 - weight) * (p * scaleP / totalP) + weight * (q * scaleQ / totalQ), p)
  }
}

/// (1 - weight) p + `value`, the uniform's share.
struct SmoothUniform: ElementMap {
  private let scale, total, weight, share: Double
  init(_ parameters: borrowing lanes_parameters) {
    (scale, total) = (parameters.scale_p, parameters.total_p.high)
    (weight, share) = (parameters.weight, parameters.value)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ unused: Lanes) -> (Lanes, Lanes) { ((1 - weight) * (p * scale / total) + share, p) }
}

/// max(p, floor) over the sum of them, `value`.
struct SmoothFloor: ElementMap {
  private let scale, total, floor, sum: Double
  init(_ parameters: borrowing lanes_parameters) {
    (scale, total) = (parameters.scale_p, parameters.total_p.high)
    (floor, sum) = (parameters.threshold, parameters.value)
  }
  @inline(__always)
  func callAsFunction(_ p: Lanes, _ unused: Lanes) -> (Lanes, Lanes) {
    (greater(Lanes(repeating: floor), p * scale / total) / sum, p)
  }
}
