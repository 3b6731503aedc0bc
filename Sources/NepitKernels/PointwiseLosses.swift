// Losses that are sums of terms, one for each element or for those at one place of up to four rows: the terms, their
// sum, and their slopes by each input, in one pass.
//
// Terms are computed in double lanes whatever the elements are, so that a float's loss is rounded once, when it is
// written. The hottest has a form in float lanes, too.

import CSystem

/// A term and its slopes by the four inputs.
struct LossTerm {
  var value: Lanes
  var slopes: (Lanes, Lanes, Lanes, Lanes)
}

/// A loss of elements.
protocol PointwiseLoss {
  init(_ rows: borrowing lanes_loss_rows)
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm
}

/// Adds the terms of `count` elements of each row, and writes what `data` asks for, which may be in place of the inputs.
///
/// A row in pieces passes the same zeroed carry with each, every piece but the last a multiple of 64 elements long, and
/// has its total with the last.
@export(interface)
public func addLosses(
  _ loss: lanes_loss, _ element: lanes_element, rows: Int, _ count: Int, _ data: UnsafePointer<lanes_loss_rows>,
  _ carry: UnsafeMutablePointer<lanes_loss_sum>?, _ totals: UnsafeMutablePointer<lanes_pair>
) {
  var data = data.pointee, sum = lanes_loss_sum()
  withUnsafeMutablePointer(to: &data) { data in
    withUnsafeMutablePointer(to: &sum) { sum in
      var row = 0
      while row < rows {
        sum.pointee = carry?.pointee ?? lanes_loss_sum()
        if loss == .variational, element == .float {
          addFloats(Variational(data.pointee), count, data, sum)
        } else {
          add(loss, element == .float, 0, count, data, sum)
        }
        let words = UnsafeMutableRawPointer(sum).assumingMemoryBound(to: Double.self)
        totals[row] = lanes_total(lanes_load_eight(words), lanes_load_eight(words + 8))
        carry?.pointee = sum.pointee
        data.pointee.advance()
        row &+= 1
      }
    }
  }
}

extension lanes_loss_rows {
  /// To the next row.
  @inline(__always)
  fileprivate mutating func advance() {
    if let input = inputs.0 { inputs.0 = input + Int(input_steps.0) }
    if let input = inputs.1 { inputs.1 = input + Int(input_steps.1) }
    if let input = inputs.2 { inputs.2 = input + Int(input_steps.2) }
    if let input = inputs.3 { inputs.3 = input + Int(input_steps.3) }
    if let output = terms { terms = output + Int(terms_step) }
    if let output = slopes.0 { slopes.0 = output + Int(slope_steps.0) }
    if let output = slopes.1 { slopes.1 = output + Int(slope_steps.1) }
    if let output = slopes.2 { slopes.2 = output + Int(slope_steps.2) }
    if let output = slopes.3 { slopes.3 = output + Int(slope_steps.3) }
  }
}

/// The elements from `start` up to `end` of one row. (A loop for each loss: where all of them meet in one function, the
/// compiler leaves operators on vectors as loops over their lanes.)
@inline(never)
private func add(
  _ loss: lanes_loss, _ isFloat: Bool, _ start: Int, _ end: Int, _ row: UnsafePointer<lanes_loss_rows>,
  _ sum: UnsafeMutablePointer<lanes_loss_sum>
) {
  @inline(__always)
  func run<Loss: PointwiseLoss>(_ type: Loss.Type) { add(Loss(row.pointee), isFloat, start, end, row, sum) }
  switch loss {
  case .variational: run(Variational.self)
  case .gaussian_kl: run(GaussianKL.self)
  case .sigmoid: run(SigmoidCrossEntropy.self)
  case .binary: run(BinaryCrossEntropy.self)
  case .gaussian_likelihood: run(GaussianLikelihood.self)
  case .poisson_likelihood: run(PoissonLikelihood.self)
  case .sampled_kl: run(SampledKL.self)
  case .weight: run(Weight.self)
  @unknown default: break
  }
}

@inline(__always)
private func load(
  _ input: UnsafeRawPointer?, else absent: Double, _ index: Int, _ left: Int, _ isFloat: Bool
) -> Lanes {
  guard let input else { return Lanes(repeating: absent) }
  if left == laneCount {
    return isFloat ? Float.load(input + index &* 4) : Double.load(input + index &* 8)
  }
  return isFloat ? Float.loadPart(input + index &* 4, left) : Double.loadPart(input + index &* 8, left)
}

@inline(__always)
private func store(_ value: Lanes, _ output: UnsafeMutableRawPointer?, _ index: Int, _ left: Int, _ isFloat: Bool) {
  guard let output else { return }
  // + 0 makes 0 of -0.
  var value = value + 0
  if isFloat {
    lanes_write_f32((output + index &* 4).assumingMemoryBound(to: Float.self), value, Int64(left))
  } else if left == laneCount {
    lanes_store((output + index &* 8).assumingMemoryBound(to: Double.self), value)
  } else {
    withUnsafeBytes(of: &value) { _ = memcpy(output + index &* 8, $0.baseAddress!, left &* 8) }
  }
}

/// Blocks of 64 plainly, the blocks with compensation.
@inline(never)
private func add<Loss: PointwiseLoss>(
  _ loss: Loss, _ isFloat: Bool, _ start: Int, _ end: Int, _ rows: UnsafePointer<lanes_loss_rows>,
  _ sum: UnsafeMutablePointer<lanes_loss_sum>
) {
  let words = UnsafeMutableRawPointer(sum).assumingMemoryBound(to: Double.self)
  var high = lanes_load_eight(words), low = lanes_load_eight(words + 8)
  let (inputs, absent) = (rows.pointee.inputs, rows.pointee.absent)
  let (terms, slopes, scale) = (rows.pointee.terms, rows.pointee.slopes, rows.pointee.scale)
  var index = start
  while index < end {
    var block = Eight.zero
    let blockEnd = min(end, index &+ 64)
    while index < blockEnd {
      let left = min(laneCount, blockEnd &- index)
      var term = loss(
        load(inputs.0, else: absent.0, index, left, isFloat), load(inputs.1, else: absent.1, index, left, isFloat),
        load(inputs.2, else: absent.2, index, left, isFloat), load(inputs.3, else: absent.3, index, left, isFloat))
      let isNaN = term.value .!= term.value
      if left < laneCount { term.value = lanes_head(term.value, Int64(left)) }
      block += lanes_first(term.value)
      if laneCount == 16 { block += lanes_second(term.value) }
      store(term.value, terms, index, left, isFloat)
      store(select(isNaN, .nan, term.slopes.0 * scale), slopes.0, index, left, isFloat)
      store(select(isNaN, .nan, term.slopes.1 * scale), slopes.1, index, left, isFloat)
      store(select(isNaN, .nan, term.slopes.2 * scale), slopes.2, index, left, isFloat)
      store(select(isNaN, .nan, term.slopes.3 * scale), slopes.3, index, left, isFloat)
      index &+= laneCount
    }
    compensate(block, &high, &low)
  }
  lanes_store_eight(words, high)
  lanes_store_eight(words + 8, low)
}

/// The hottest in float lanes, 32 elements at a time, what is left in double; and where a sum is outside of what floats
/// hold well.
@inline(__always)
private func addFloats(
  _ loss: Variational, _ count: Int, _ rows: UnsafePointer<lanes_loss_rows>, _ sum: UnsafeMutablePointer<lanes_loss_sum>
) {
  let words = UnsafeMutableRawPointer(sum).assumingMemoryBound(to: Double.self)
  let (inputs, terms, slopes) = (rows.pointee.inputs, rows.pointee.terms, rows.pointee.slopes)
  let scale = Float(rows.pointee.scale)
  guard let first = inputs.0?.assumingMemoryBound(to: Float.self),
    let second = inputs.1?.assumingMemoryBound(to: Float.self)
  else { return }
  var index = 0
  while count &- index >= 32 {
    let a = loss.floats(lanes_load_f32(first + index), lanes_load_f32(second + index))
    let b = loss.floats(lanes_load_f32(first + (index &+ 16)), lanes_load_f32(second + (index &+ 16)))
    let part = lanes_fold_f32(a.value + b.value)
    let total = lanes_sum(part)
    if total >= 0x1p-60, total < 0x1p120 {
      var high = lanes_load_eight(words), low = lanes_load_eight(words + 8)
      compensate(part, &high, &low)
      lanes_store_eight(words, high)
      lanes_store_eight(words + 8, low)
      storeFloats(a.value, b.value, terms, index)
      storeFloats(a.slopes.0 * scale, b.slopes.0 * scale, slopes.0, index)
      storeFloats(a.slopes.1 * scale, b.slopes.1 * scale, slopes.1, index)
    } else {
      add(loss, true, index, index &+ 32, rows, sum)
    }
    index &+= 32
  }
  if index < count { add(loss, true, index, count, rows, sum) }
}

@inline(__always)
private func storeFloats(_ a: FloatLanes, _ b: FloatLanes, _ output: UnsafeMutableRawPointer?, _ index: Int) {
  guard let output = output?.assumingMemoryBound(to: Float.self) else { return }
  lanes_store_f32(output + index, a + 0)
  lanes_store_f32(output + (index &+ 16), b + 0)
}

// MARK: - Gaussians

/// KL of N(x, e^y) from the standard normal: (x² + e^y - 1 - y) / 2, at least `parameter`.
struct Variational: PointwiseLoss {
  let least: Double
  let floatLeast: Float

  @inline(__always)
  init(_ rows: borrowing lanes_loss_rows) {
    least = rows.parameter
    floatLeast = Float(least)
  }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm {
    let power = Exponential(y)
    return LossTerm(
      value: 0.5 * fma(x, x, power.excess(y)), slopes: (x, 0.5 * power.lessOne, .zero, .zero)
    ).atLeast(least, where: y)
  }

  @_transparent
  func floats(_ x: FloatLanes, _ y: FloatLanes) -> (value: FloatLanes, slopes: (FloatLanes, FloatLanes)) {
    let power = FloatExponential(y)
    let value = 0.5 * fma(x, x, power.lessLine(y)), slope = 0.5 * power.lessOne
    let isLess = value .< floatLeast
    return (
      select(isLess, floatLeast, value), (select(isLess, 0, x), select(isLess, 0, slope))
    )
  }
}

/// KL of N(x, e^y) from N(z, e^w): (e^d - 1 - d + (x - z)² e^-w) / 2, d = y - w, at least `parameter`.
struct GaussianKL: PointwiseLoss {
  let least: Double

  @inline(__always)
  init(_ rows: borrowing lanes_loss_rows) { least = rows.parameter }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm {
    let d = difference(y, w)
    let power = Exponential(d.value, low: d.rest)
    let step = x - z
    // Half of the exponent, twice: the square of the step may be beyond all numbers where the quotient is not.
    let root = Exponential(-0.5 * w).value
    let isNear = step .== 0
    let ratio = select(isNear, 0, step * root), slope = select(isNear, 0, ratio * root)
    let change = power.lessOne
    return LossTerm(
      value: 0.5 * fma(ratio, ratio, power.excess(d.value)),
      slopes: (slope, 0.5 * change, 0 - slope, -0.5 * fma(ratio, ratio, change))
    ).atLeast(least, where: d.value)
  }
}

/// a - b in two words; the second is 0 where the first is infinite.
@_transparent
func difference(_ a: Lanes, _ b: Lanes) -> (value: Lanes, rest: Lanes) {
  let value = a - b
  let part = value - a
  let rest = (a - (value - part)) - (b + part)
  return (value, select(magnitude(value) .< .infinity, rest, .zero))
}

extension LossTerm {
  /// No less than a number, below which it has no slope; NaN where `exponent` is, which exponentials lose.
  @_transparent
  func atLeast(_ least: Double, where exponent: Lanes) -> LossTerm {
    let isLess = value .< least
    return LossTerm(
      value: select(exponent .!= exponent, .nan, select(isLess, Lanes(repeating: least), value)),
      slopes: (
        select(isLess, 0, slopes.0), select(isLess, 0, slopes.1), select(isLess, 0, slopes.2),
        select(isLess, 0, slopes.3)
      ))
  }
}

extension Exponential {
  /// e^x - 1 - x, infinite where x is.
  @_transparent
  func excess(_ x: Lanes) -> Lanes { select(x .== .infinity, .infinity, lessLine(x)) }
}

/// e^x, e^x - 1 and e^x - 1 - x in float; infinite above 88.3.
struct FloatExponential {
  let power, r, bent: FloatLanes

  @_transparent
  init(_ x: FloatLanes) {
    // (A comparison with NaN is false, which keeps it.)
    let floor = FloatLanes(repeating: -87), ceiling = FloatLanes(repeating: 89)
    let above = x.replacing(with: floor, where: floor .> x)
    let y = above.replacing(with: ceiling, where: above .> ceiling)
    let shifted = fma(y, 0x1.715476p+0, 0x1.8p23)
    let k = shifted - 0x1.8p23
    r = fma(k, FloatLanes(repeating: 0x1.05c610p-29), fma(k, FloatLanes(repeating: -0x1.62e430p-1), y))
    let whole = unsafeBitCast(shifted, to: FloatBits.self) &- FloatBits(repeating: 0x4b40_0000 &- 127)
    power = unsafeBitCast(whole &<< FloatBits(repeating: 23), to: FloatLanes.self)
    let s = r * r
    let e01 = fma(r, 0x1.5554dcp-3, 0x1p-1)
    let e23 = fma(r, 0x1.120cp-7, 0x1.555518p-5)
    let e234 = fma(s, FloatLanes(repeating: 0x1.6d119ap-10), e23)
    bent = s * fma(s, e234, e01)
  }

  /// e^x - 1, to full relative accuracy.
  @_transparent
  var lessOne: FloatLanes { fma(power, r + bent, power - 1) }

  /// e^x - 1 - x, to full relative accuracy near 0 and within a few bits of it elsewhere; x as it was given.
  @_transparent
  func lessLine(_ x: FloatLanes) -> FloatLanes {
    select(power .== 1, bent, fma(power, r + bent, (power - 1) - x))
  }
}

// MARK: - Binary targets

/// Of a logit x, its target y and two weights: z (w y softplus(-x) + (1 - y) softplus(x)).
struct SigmoidCrossEntropy: PointwiseLoss {
  @inline(__always)
  init(_ rows: borrowing lanes_loss_rows) {}

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm {
    // softplus(x) = log(1 + e^-|x|) + max(x, 0): nothing cancels, and the tail is e^-|x|.
    let e = Exponential(0 - magnitude(x)).value
    let rest = logarithm(of: 1 + e, difference: e), isNegative = x .< 0
    let above = rest + select(isNegative, 0, x), below = rest + select(isNegative, 0 - x, .zero)
    let larger = 1 / (1 + e), smaller = e * larger
    let positive = w * y, negative = 1 - y
    let value = share(positive, below) + share(negative, above)
    let slope =
      negative * select(isNegative, smaller, larger) - positive * select(isNegative, larger, smaller)
    return LossTerm(
      value: select(x .!= x, .nan, share(z, value)),
      slopes: (share(z, slope), share(z, share(w - 1, below) - x), .zero, .zero))
  }
}

/// Of a probability x, its target y and a weight: -z (y log x + (1 - y) log(1 - x)).
struct BinaryCrossEntropy: PointwiseLoss {
  @inline(__always)
  init(_ rows: borrowing lanes_loss_rows) {}

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm {
    let isProbability = (x .>= 0) .& (x .<= 1)
    let negative = 1 - y, rest = 1 - x
    let first = log(x), second = select(rest .== 0, -Double.infinity, logarithm(of: rest, difference: 0 - x))
    let value = 0 - (share(y, first) + share(negative, second))
    let slope = share(negative, 1 / rest) - share(y, 1 / x)
    return LossTerm(
      value: select(isProbability, share(z, value), Lanes(repeating: .nan)),
      slopes: (share(z, slope), share(z, second - first), .zero, .zero))
  }
}

/// log a, where a - 1 is known better than a is.
@_transparent
private func logarithm(of a: Lanes, difference d: Lanes) -> Lanes {
  Ratio(a, over: Lanes(repeating: 1), difference: d, fine: true).logarithm
}

/// A product that is 0 where the first factor is, whatever the other.
@_transparent
private func share(_ weight: Lanes, _ value: Lanes) -> Lanes { select(weight .== 0, 0, weight * value) }

// MARK: - Likelihoods

/// -log of the density of N(x, z) at y: (log z + (x - y)² / z) / 2, z no less than `parameter`; of `choice` 1 says that z
/// is the logarithm of the variance, 2 that log(2 pi) / 2 is added.
struct GaussianLikelihood: PointwiseLoss {
  let least, constant: Double
  let isLog: Bool

  @inline(__always)
  init(_ rows: borrowing lanes_loss_rows) {
    least = rows.parameter
    constant = rows.choice & 2 != 0 ? 0x1.d67f1c864beb5p-1 : 0
    isLog = rows.choice & 1 != 0
  }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm {
    let step = x - y, isNear = step .== 0
    var logarithm = z, ratio: Lanes, slope: Lanes, inverse = Lanes(repeating: 1)
    if isLog {
      let root = Exponential(-0.5 * z).value
      ratio = step * root
      slope = ratio * root
    } else {
      let variance = select(z .< least, Lanes(repeating: least), z), root = lanes_sqrt(variance)
      logarithm = select(z .< 0, .nan, log(variance))
      ratio = step / root
      slope = ratio / root
      inverse = 1 / variance
    }
    ratio = select(isNear, 0, ratio)
    slope = select(isNear, 0, slope)
    // A variance of 0 away from the mean: nothing is likelier than -infinity allows, and there the density is 0.
    let isImpossible = magnitude(ratio) .== .infinity
    let value = 0.5 * fma(ratio, ratio, logarithm) + constant
    return LossTerm(
      value: select(z .!= z, .nan, select(isImpossible, .infinity, value)),
      slopes: (slope, 0 - slope, 0.5 * fma(0 - ratio, ratio, 1) * inverse, .zero))
  }
}

/// -log of a Poisson probability of y at the rate x, but for log y!: x - y log(x + `parameter`). Of `choice` 1 says that x
/// is the logarithm of the rate, 2 that Stirling's log y! is added where y is above 1.
struct PoissonLikelihood: PointwiseLoss {
  let least: Double
  let isLog, isFull: Bool

  @inline(__always)
  init(_ rows: borrowing lanes_loss_rows) {
    least = rows.parameter
    isLog = rows.choice & 1 != 0
    isFull = rows.choice & 2 != 0
  }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm {
    var rate = x, logarithm = x, slope: Lanes
    if isLog {
      rate = Exponential(x).value
      slope = rate - y
    } else {
      // The sum in two words: where it is next to 1, its rounding is all that the logarithm would be.
      let raised = x + least, part = raised - x
      let rest = (x - (raised - part)) + (least - part), inverse = 1 / raised
      logarithm = log(raised) + select((rest .== 0) .| (raised .== .infinity), 0, rest * inverse)
      slope = 1 - share(y, inverse)
    }
    var value = select(rate .== .infinity, .infinity, rate - share(y, logarithm)), other = 0 - logarithm
    if isFull {
      let isMany = y .> 1, logTarget = log(y)
      value += select(isMany, fma(y, logTarget, 0.5 * logTarget + 0x1.d67f1c864beb5p-1) - y, .zero)
      other += select(isMany, fma(Lanes(repeating: 0.5), 1 / y, logTarget), .zero)
    }
    return LossTerm(value: select(x .!= x, .nan, value), slopes: (slope, other, .zero, .zero))
  }
}

/// The first input itself: what weights add up to.
struct Weight: PointwiseLoss {
  @inline(__always)
  init(_ rows: borrowing lanes_loss_rows) {}

  @_transparent
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm {
    LossTerm(value: x, slopes: (.zero, .zero, .zero, .zero))
  }
}

// MARK: - Policies

/// What a sample says of the divergence of the policy that it was drawn from, with log-probability x, from another, with
/// y; d = y - x and a weight z. Of `choice` 1 -d, 2 d² / 2, 3 e^d - 1 - d.
struct SampledKL: PointwiseLoss {
  let choice: Int64

  @inline(__always)
  init(_ rows: borrowing lanes_loss_rows) { choice = rows.choice }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes) -> LossTerm {
    let d = difference(y, x)
    var value = 0 - (d.value + d.rest), slope = Lanes(repeating: -1)
    if choice == 2 {
      value = 0.5 * d.value * d.value
      slope = d.value
    } else if choice == 3 {
      let power = Exponential(d.value, low: d.rest)
      value = power.excess(d.value)
      slope = power.lessOne
    }
    slope = share(z, slope)
    return LossTerm(
      value: select(d.value .!= d.value, .nan, share(z, value)), slopes: (0 - slope, slope, .zero, .zero))
  }
}
