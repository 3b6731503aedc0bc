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

/// Adds the terms of `count` elements to the sum, and writes what `rows` asks for, which may be in place of the inputs.
/// Pieces of a row but the last are a multiple of 64 long.
@export(interface)
public func addLosses(
  _ loss: lanes_loss, _ element: lanes_element, _ count: Int, _ rows: UnsafePointer<lanes_loss_rows>,
  _ sum: UnsafeMutablePointer<lanes_loss_sum>
) {
  if loss == .variational, element == .float {
    addFloats(Variational(rows.pointee), count, rows, sum)
  } else {
    add(loss, element == .float, 0, count, rows, sum)
  }
}

/// (One loop for all losses: what loads and stores is larger than any of them, and the branch is foreseen.)
@_transparent
private func term(
  _ loss: lanes_loss, _ rows: UnsafePointer<lanes_loss_rows>, _ x: Lanes, _ y: Lanes, _ z: Lanes, _ w: Lanes
) -> LossTerm {
  switch loss {
  case .variational: return Variational(rows.pointee)(x, y, z, w)
  case .gaussian_kl: return GaussianKL(rows.pointee)(x, y, z, w)
  @unknown default: return LossTerm(value: .zero, slopes: (.zero, .zero, .zero, .zero))
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

/// Adds the elements from `start` up to `end`: blocks of 64 plainly, the blocks with compensation.
@inline(never)
private func add(
  _ loss: lanes_loss, _ isFloat: Bool, _ start: Int, _ end: Int, _ rows: UnsafePointer<lanes_loss_rows>,
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
      var term = term(
        loss, rows, load(inputs.0, else: absent.0, index, left, isFloat),
        load(inputs.1, else: absent.1, index, left, isFloat), load(inputs.2, else: absent.2, index, left, isFloat),
        load(inputs.3, else: absent.3, index, left, isFloat))
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
      add(.variational, true, index, index &+ 32, rows, sum)
    }
    index &+= 32
  }
  if index < count { add(.variational, true, index, count, rows, sum) }
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
