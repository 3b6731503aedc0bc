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

/// log x for normal x > 0, within 2.75 ULP; finite for 0 and denormals, so that 0 · log 0 = 0.
@inline(__always)
func quickLog(_ x: Lanes) -> Lanes {
  let parts = Parts(x)
  let r = fma(parts.mantissa, lanes_log_reciprocal(parts.cell), -1)
  // The cell around 1 adds exactly 0; elsewhere one word of the logarithm of its centre is enough.
  let centre = fma(parts.exponent, ln2, lanes_log_centre(parts.cell))
  let s = r * r
  let q01 = fma(r, -0x1.5555555555542p-2, Lanes(repeating: 0x1.fffffffffffebp-2))
  let q23 = fma(r, -0x1.9999999aa61dap-3, Lanes(repeating: 0x1.0000000093adfp-2))
  let q45 = fma(r, -0x1.249236912db63p-3, Lanes(repeating: 0x1.555540e688cb1p-3))
  let q67 = fma(r, -0x1.c7eef034bc5c3p-4, Lanes(repeating: 0x1.0073c4f5843d8p-3))
  return centre + fma(-s, fma(s, fma(s, fma(s, q67, q45), q23), q01), r)
}

/// A positive float taken apart, as `Parts`.
struct FloatParts {
  var exponent, mantissa: FloatLanes
  var power, cell: FloatBits

  @inline(__always)
  init(_ x: FloatLanes) {
    let bits = unsafeBitCast(x, to: FloatBits.self)
    let moved = bits &- FloatBits(repeating: 0x3f34_0000)
    power = moved & FloatBits(repeating: -0x0080_0000)
    mantissa = unsafeBitCast(bits &- power, to: FloatLanes.self)
    cell = moved &>> FloatBits(repeating: 19)
    let whole = (moved &>> FloatBits(repeating: 23)) &+ FloatBits(repeating: 0x4b40_0000)
    exponent = unsafeBitCast(whole, to: FloatLanes.self) - 0x1.8p23
  }
}

@inline(__always)
func fma(_ a: FloatLanes, _ b: FloatLanes, _ c: FloatLanes) -> FloatLanes { lanes_fma_f32(a, b, c) }

@inline(__always)
func fma(_ a: FloatLanes, _ b: Float, _ c: Float) -> FloatLanes {
  lanes_fma_f32(a, FloatLanes(repeating: b), FloatLanes(repeating: c))
}

@inline(__always)
func select(_ mask: SIMDMask<FloatBits>, _ yes: FloatLanes, _ no: FloatLanes) -> FloatLanes {
  no.replacing(with: yes, where: mask)
}

@inline(__always)
func select(_ mask: SIMDMask<FloatBits>, _ yes: Float, _ no: FloatLanes) -> FloatLanes {
  no.replacing(with: yes, where: mask)
}

/// Q(r) of log1p(r) = r - r² Q(r), to float's precision.
@inline(__always)
private func bentLog1p(_ r: FloatLanes, _ s: FloatLanes) -> FloatLanes {
  fma(s, fma(r, -0x1.99ec4p-3, 0x1.003036p-2), fma(r, -0x1.555554p-2, 0x1.fffffep-2))
}

/// `quickLog` in float, to 2^-22.7: the entropies' hot loop.
@inline(__always)
func quickLog(_ x: FloatLanes) -> FloatLanes {
  let parts = FloatParts(x)
  let r = fma(parts.mantissa, lanes_log_reciprocal_f32(parts.cell), FloatLanes(repeating: -1))
  let centre = fma(parts.exponent, FloatLanes(repeating: 0x1.62e43p-1), lanes_log_high_f32(parts.cell))
  let s = r * r
  return centre + fma(-s, bentLog1p(r, s), r)
}

/// `divergenceTerm` in float: the same steps as `Ratio`, of second order near equality, to about 2^-21.
@_transparent
func divergenceTerm(_ b: FloatLanes, _ a: FloatLanes, _ d: FloatLanes) -> FloatLanes {
  let limit = FloatLanes(repeating: 0x1p126)
  let reciprocal = 1 / b
  let inverse = select(reciprocal .< limit, reciprocal, limit)
  let product = d * inverse
  let t = select(product .< limit, product, limit)
  let isSmall = t .< -0.5
  let isTiny = a .< 0x1p-60
  let quotient = select(isTiny, a * 0x1p64, a) * inverse
  let parts = FloatParts(select(isSmall, quotient, t + 1))
  let exponent = parts.exponent - select(isSmall .& isTiny, 64, .zero)
  let c = lanes_log_reciprocal_f32(parts.cell)
  let down = unsafeBitCast(FloatBits(repeating: 0x3f80_0000) &- parts.power, to: FloatLanes.self)
  let scaled = c * down
  let slope = scaled - 1
  let u = fma(select(isSmall, quotient, t), scaled, select(isSmall, -1, slope))
  let s = u * u
  let ln2 = FloatLanes(repeating: 0x1.62e43p-1)
  let linear = fma(exponent, ln2, lanes_log_high_f32(parts.cell)) + u
  let bend = fma(exponent, -ln2, fma(c, 1 - down, lanes_log_bend_f32(parts.cell)))
  let inner = fma(s, bentLog1p(u, s), select(isSmall, 0 - linear, bend))
  let term = fma(b, inner, d * select(isSmall, 1, 0 - slope))
  return select(b .== 0, a, select(a .== 0, .infinity, term))
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
