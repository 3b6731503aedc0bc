// Logarithms, within 0.57 ULP, and the ratio form of them that does not cancel.
//
//     x = 2^k z,  z in [0.703, 1.406),  r = z c - 1, exact for |r| <= 1/32, c the reciprocal of z's cell
//     log x = k ln 2 - log c + log1p(r),  log1p(r) = r - r^2 Q(r),  |r| < 1/30
//
// The cell around 1 has c = 1, so that log x keeps its relative accuracy there.

import CSystem

/// ln 2 as a multiple of 2^-42, and the rest of it.
let ln2High = 0x1.62e42fefa38p-1
let ln2Low = 0x1.ef35793c76730p-45
let ln2 = 0x1.62e42fefa39efp-1

/// A positive number taken apart.
struct Parts {
  var exponent: Lanes       // k
  var mantissa: Lanes       // z
  var power: LaneBits       // k << 52
  var cell: LaneBits        // the table's index, in the low four bits

  /// A denormal or 0 gives some finite parts; where it matters, scale it first.
  @inline(__always)
  init(_ x: Lanes) {
    let moved = bits(x) &- LaneBits(repeating: 0x3fe6_8000_0000_0000)
    power = moved & LaneBits(repeating: -0x0010_0000_0000_0000)
    mantissa = lanes(bits(x) &- power)
    cell = logicalShift(moved, right: 48)
    // The 12-bit k plus 2048 as the low bits of a double of 2^52: exact, and the same without AVX-512's conversion.
    let biased = logicalShift(moved, right: 52) ^ LaneBits(repeating: 0x4330_0000_0000_0800)
    exponent = lanes(biased) - (0x1p52 + 2048)
  }
}

/// Q(r) of log1p(r) = r - r² Q(r), to a relative 2^-55 or, coarsely, 2^-31.
@inline(__always)
func bentLog1p(_ r: Lanes, fine: Bool) -> Lanes {
  if fine {
    let s = r * r
    let q01 = fma(r, -0x1.5555555555500p-2, 0x1p-1)
    let q23 = fma(r, -0x1.9999999b9129ep-3, Lanes(repeating: 0x1.fffffffffff64p-3))
    let q45 = fma(r, -0x1.2492300fc2431p-3, Lanes(repeating: 0x1.5555555722f21p-3))
    let q67 = fma(r, -0x1.c8094715dad96p-4, Lanes(repeating: 0x1.ffffd2043a91fp-4))
    let q678 = fma(s, 0x1.9a72b379e666dp-4, q67)
    return fma(s, fma(s, fma(s, q678, q45), q23), q01)
  }
  let q = fma(fma(r, 0x1.55afbe5fca38ep-3, Lanes(repeating: -0x1.9a00ec6d3f879p-3)), r, 0x1.fffff99e46d87p-3)
  return fma(fma(q, r, -0x1.555551afce485p-2), r, 0x1p-1)
}

@inline(__always)
func fma(_ a: Lanes, _ b: Double, _ c: Double) -> Lanes { lanes_fma(a, Lanes(repeating: b), Lanes(repeating: c)) }

/// log x for sums of p log p that are not small: to an error of 2^-51 of it, or of 1 where it is less, for normal
/// x. An exponent below `least` is that: so 0 log 0 is 0. (What a denormal gives is finite, and nothing beside such sums.)
@_transparent
func quickLog(_ x: Lanes, least: Double) -> Lanes {
  // The cell from x itself, not from the mantissa: the sooner, the better.
  logarithm(
    lanes_mantissa(x), cell: logicalShift(bits(x), right: 48),
    exponent: lanes_max(lanes_exponent(x), Lanes(repeating: least)))
}

/// log x / 2^raised for any x >= 0 that is no denormal or, with AVX-512, is one: -infinity at 0.
@_transparent
func fullLog(_ x: Lanes, raised: Lanes = .zero) -> Lanes {
  let mantissa = lanes_mantissa(x)
  return logarithm(
    mantissa, cell: logicalShift(bits(mantissa), right: 48), exponent: lanes_exponent(x) - raised)
}

#if NEPIT_WIDE
  @_transparent
#else
  @inline(never)
#endif
private func logarithm(_ mantissa: Lanes, cell: LaneBits, exponent: Lanes) -> Lanes {
  let r = fma(mantissa, lanes_mantissa_reciprocal(cell), -1)
  let line = fma(exponent, ln2, lanes_mantissa_log(cell)) + r
  let s = r * r
  let q01 = fma(r, 0x1.55555555cadecp-2, Lanes(repeating: -0x1.fffffffffff8ap-2))
  let q23 = fma(r, 0x1.999986b6bbf59p-3, Lanes(repeating: -0x1.000000011a28dp-2))
  let q45 = fma(r, 0x1.2507c12dbf41bp-3, Lanes(repeating: -0x1.55553ae300584p-3))
  let q = fma(s, fma(s, fma(s, -0x1.007d523db2a1fp-3, q45), q23), q01)
  return fma(s, q, line)
}

@inline(__always)
func fma(_ a: FloatLanes, _ b: FloatLanes, _ c: FloatLanes) -> FloatLanes { lanes_fma_f32(a, b, c) }

@inline(__always)
func fma(_ a: FloatLanes, _ b: Float, _ c: Float) -> FloatLanes {
  lanes_fma_f32(a, FloatLanes(repeating: b), FloatLanes(repeating: c))
}

@inline(__always)
func select(_ mask: SIMDMask<FloatBits>, _ yes: FloatLanes, _ no: FloatLanes) -> FloatLanes {
  lanes_select_f32(unsafeBitCast(mask, to: FloatBits.self), yes, no)
}

@inline(__always)
func select(_ mask: SIMDMask<FloatBits>, _ yes: Float, _ no: FloatLanes) -> FloatLanes {
  select(mask, FloatLanes(repeating: yes), no)
}

/// `quickLog` in float, to 2^-22 of it, or of 1 where it is less.
@_transparent
func quickLog(_ x: FloatLanes, least: Float) -> FloatLanes {
  logarithm(
    lanes_mantissa_f32(x), cell: unsafeBitCast(x, to: FloatBits.self) &>> FloatBits(repeating: 19),
    exponent: lanes_max_f32(lanes_exponent_f32(x), FloatLanes(repeating: least)))
}

@_transparent
func fullLog(_ x: FloatLanes, raised: FloatLanes = .zero) -> FloatLanes {
  let mantissa = lanes_mantissa_f32(x)
  return logarithm(
    mantissa, cell: unsafeBitCast(mantissa, to: FloatBits.self) &>> FloatBits(repeating: 19),
    exponent: lanes_exponent_f32(x) - raised)
}

#if NEPIT_WIDE
  @_transparent
#else
  @inline(never)
#endif
private func logarithm(_ mantissa: FloatLanes, cell: FloatBits, exponent: FloatLanes) -> FloatLanes {
  let r = fma(mantissa, lanes_mantissa_reciprocal_f32(cell), FloatLanes(repeating: -1))
  let centre = fma(exponent, FloatLanes(repeating: 0x1.62e43p-1), lanes_mantissa_log_f32(cell))
  let q = fma(fma(r, 0x1.55822ap-2, -0x1.001aaep-1), r, FloatLanes(repeating: 1))
  return fma(q, r, centre)
}

/// `divergenceTerm` in float, to about 2^-20, in two steps: what comes before the quotient is known, and the rest.
///
/// With y = a / b = 1 + t, c / 2^k the reciprocal of y's cell and u = y c / 2^k - 1,
///
///     t - log(1 + t) = (u - log1p(u)) + (log c - k ln 2 - s) - t s,   s = c / 2^k - 1
///
/// Nothing cancels: in the cell around 1, c is 1 and all but the first part is 0. Only where a is less than half of b, and t
/// has lost what it was, s is -1 and u of the third part is added instead.
struct QuickDivergence {
  private let b, a, d: FloatLanes
  private let isSmall: SIMDMask<FloatBits>

  @_transparent
  init(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) {
    (self.b, self.a, self.d) = (b, a, d)
    isSmall = a + a .< b
  }

  /// t; below 1/2 y itself, raised so that it is no denormal. Where b is next to nothing, so is b times any logarithm.
  @_transparent
  var quotient: FloatLanes {
    select(isSmall, a * 0x1p96, d) / lanes_max_f32(b, FloatLanes(repeating: 0x1p-99))
  }

  /// The term, of its quotient.
  @_transparent
  func term(_ quotient: FloatLanes) -> FloatLanes {
    let y = select(isSmall, quotient, quotient + 1)
    // Relative to the first cell's first number; the exponent in its place is k.
    let bits = unsafeBitCast(y, to: FloatBits.self) &- FloatBits(repeating: 0x3f34_0000)
    let cell = bits &>> FloatBits(repeating: 19), power = bits & FloatBits(repeating: -0x80_0000)
    let reciprocal = unsafeBitCast(
      unsafeBitCast(lanes_ratio_reciprocal_f32(cell), to: FloatBits.self) &- power, to: FloatLanes.self)
    let exponent = lanes_convert_i32(
      power.replacing(with: power &- FloatBits(repeating: 96 << 23), where: isSmall))
    var logarithm = fma(exponent, FloatLanes(repeating: -0x1.62e43p-24), lanes_ratio_log_f32(cell))
    logarithm = select(y .== 0, .infinity, logarithm)
    let slope = select(isSmall, -1, reciprocal - 1)
    let u = fma(quotient, reciprocal, slope)
    let rest = logarithm - select(isSmall, u, slope)
    let s = u * u
    let q = fma(s, fma(u, -0x1.99f51ap-3, 0x1.002ab2p-2), fma(u, -0x1.555552p-2, 0x1.fffffep-2))
    return lanes_fms_f32(b, fma(s, q, rest), d * slope)
  }
}

#if NEPIT_WIDE
  @_transparent
#else
  @inline(never)
#endif
func divergenceTerm(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes {
  let divergence = QuickDivergence(b, a, d)
  return divergence.term(divergence.quotient)
}

/// log x in two words for normal x > 0; the sum is good to about 2^-56.
#if NEPIT_WIDE
  @inline(__always)
#else
  @inline(never)
#endif
func preciseLog(_ x: Lanes) -> (high: Lanes, low: Lanes) {
  let parts = Parts(x)
  let r = fma(parts.mantissa, lanes_log_reciprocal(parts.cell), -1)
  let high = fma(parts.exponent, ln2High, lanes_log_high(parts.cell))
  let low = fma(parts.exponent, ln2Low, lanes_log_low(parts.cell))
  let sum = high + r
  let rest = (high - sum) + r
  return twoSum(sum, fma(-(r * r), bentLog1p(r, fine: true), rest + low))
}

/// a + b exactly, where |a| >= |b| or a = 0.
@inline(__always)
func twoSum(_ a: Lanes, _ b: Lanes) -> (high: Lanes, low: Lanes) {
  let sum = a + b
  return (sum, (a - sum) + b)
}

/// log x for any x >= 0, denormals included: -infinity at 0, NaN below and at NaN.
#if NEPIT_WIDE
  @inline(__always)
#else
  @inline(never)
#endif
func log(_ x: Lanes) -> Lanes {
  let tiny = x .< 0x1p-1022
  let scaled = select(tiny, x * 0x1p54, x)
  let parts = Parts(scaled)
  let k = parts.exponent - select(tiny, 54, Lanes.zero)
  let r = fma(parts.mantissa, lanes_log_reciprocal(parts.cell), -1)
  let high = fma(k, ln2High, lanes_log_high(parts.cell))
  let low = fma(k, ln2Low, lanes_log_low(parts.cell))
  let sum = high + r
  let rest = (high - sum) + r
  var result = sum + fma(-(r * r), bentLog1p(r, fine: true), rest + low)
  result = select(x .== 0, -Double.infinity, result)
  result = select(x .== Double.infinity, Double.infinity, result)
  return select(.!(x .>= 0), Double.nan, result)
}

/// The ratio a / b of two numbers at least 0 whose difference d = a - b is
/// known better than either: t = a / b - 1 and its logarithm, where nothing
/// cancels for a near b.
///
/// Numbers up to 2^300; a lane where one of them is 0 is the caller's to mask.
///
/// (Here and below: the wide modules take all into one loop, where a call would pass everything through memory and save
/// every register; the inliner leaves functions of this size alone, even with `@inline(__always)`, so they are
/// transparent. The baseline calls, or it would be several times as large and no faster, its multiply-adds being calls.)
struct Ratio {
  var t: Lanes
  private var isSmall: Mask       // a < b / 2, where t has lost what a was
  private var linear: Lanes       // log(a / b) less -bent: k ln 2 - log c + u
  private var bend: Lanes         // 1 - c 2^-k - (k ln 2 - log c): 0 in the cell around 1
  private var slope: Lanes        // c 2^-k - 1, likewise
  private var bent: Lanes         // u² Q(u), u = (a / b) c 2^-k - 1

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  init(_ a: Lanes, over b: Lanes, difference d: Lanes, fine: Bool) {
    // Floats in double need no limits: what is not finite has b = 0.
    let inverse = fine ? limited(1 / b, to: 0x1p1000) : 1 / b
    t = fine ? limited(d * inverse, to: 0x1p1000) : d * inverse
    isSmall = t .< -0.5
    // Below 2^-400 the quotient might be denormal: take a · 2^600 and correct the exponent.
    let isTiny = a .< 0x1p-400
    let raised = fine ? select(isTiny, a * 0x1p600, a) : a
    let quotient = raised * inverse
    let parts = Parts(select(isSmall, quotient, t + 1))
    let exponent = fine ? parts.exponent - select(isSmall .& isTiny, 600, Lanes.zero) : parts.exponent
    let c = lanes_log_reciprocal(parts.cell)
    let down = lanes(LaneBits(repeating: 0x3ff0_0000_0000_0000) &- parts.power)   // 2^-k
    let scaled = c * down
    slope = scaled - 1
    // u from t where a is near b: rounding a / b first would lose t's low bits.
    let u = fma(select(isSmall, quotient, t), scaled, select(isSmall, -1, slope))
    bent = (u * u) * bentLog1p(u, fine: fine)
    linear = fma(exponent, ln2, lanes_log_centre(parts.cell)) + u
    bend = fma(exponent, -ln2, fma(c, 1 - down, lanes_log_bend(parts.cell)))
  }

  /// The same by a call: where there is so much else that all in one would be too much for the compiler.
  @inline(never)
  static func called(_ a: Lanes, over b: Lanes, difference d: Lanes) -> Ratio {
    Ratio(a, over: b, difference: d, fine: true)
  }

  /// log(a / b), of d's sign.
  @inline(__always)
  var logarithm: Lanes { linear - bent }

  /// b (t - log(1 + t)) = d - b log(a / b), at least 0: each part is of second order where a is near b.
  @_transparent
  func excess(_ b: Lanes, _ d: Lanes) -> Lanes {
    fma(b, select(isSmall, 0 - linear, bend) + bent, d * select(isSmall, 1, 0 - slope))
  }
}

/// The Kullback–Leibler term b log(b / a) - b + a: a where b = 0, infinite where only a is 0.
#if NEPIT_WIDE
  @_transparent
#else
  @inline(never)
#endif
func divergenceTerm(_ b: Lanes, _ a: Lanes, _ d: Lanes, fine: Bool) -> Lanes {
  let term = Ratio(a, over: b, difference: d, fine: fine).excess(b, d)
  return select(b .== 0, a, select(a .== 0, Double.infinity, term))
}
