// Exponentials: x = k ln 2 + r, e^r = 1 + r + r² E(r), |r| <= ln 2 / 2.

import CSystem

/// e^x and e^x - 1 - x, taken apart.
struct Exponential {
  private var power: Lanes      // 2^(k / 2)
  private var beyond: Lanes     // 2^(k - k / 2)
  private var isLarge: Mask     // e^x - 1 is e^x
  private var r: Lanes
  private var bent: Lanes       // r² E(r)

  /// `low` is a correction to x, far smaller.
  #if NEPIT_WIDE
    @inline(__always)
  #else
    @inline(never)
  #endif
  init(_ x: Lanes, low: Lanes = .zero) {
    // Beyond these limits all is 0 or infinite; NaN becomes the upper one and is the caller's to mask.
    let x = greater(Lanes(repeating: -746), limited(x, to: 710))
    let shifted = fma(x, 0x1.71547652b82fep+0, 0x1.8p52)
    let k = shifted - 0x1.8p52
    r = fma(k, -ln2Low, fma(k, -ln2High, x)) + low
    let whole = bits(shifted) &- LaneBits(repeating: 0x4338_0000_0000_0000)
    // Two factors, so that neither overflows while the product does not.
    let half = whole &>> LaneBits(repeating: 1)
    power = lanes((half &+ LaneBits(repeating: 1023)) &<< LaneBits(repeating: 52))
    beyond = lanes((whole &- half &+ LaneBits(repeating: 1023)) &<< LaneBits(repeating: 52))
    isLarge = k .> 60
    let s = r * r
    let e01 = fma(r, 0x1.5555555555557p-3, 0x1p-1)
    let e23 = fma(r, 0x1.11111111100bep-7, Lanes(repeating: 0x1.5555555555556p-5))
    let e45 = fma(r, 0x1.a01a01abf85abp-13, Lanes(repeating: 0x1.6c16c16c162c3p-10))
    let e67 = fma(r, 0x1.71de01fdbf9cap-19, Lanes(repeating: 0x1.a01a01a6e1e2ap-16))
    let e89 = fma(r, 0x1.af4e554377204p-26, Lanes(repeating: 0x1.27e4db46cddd1p-22))
    let tail = fma(s, 0x1.1f7340dbc337ep-29, e89)
    bent = s * fma(s, fma(s, fma(s, fma(s, tail, e67), e45), e23), e01)
  }

  /// e^x.
  @inline(__always)
  var value: Lanes { (1 + (r + bent)) * power * beyond }

  /// e^x - 1, to full relative accuracy.
  @inline(__always)
  var lessOne: Lanes {
    let scale = power * beyond
    return select(isLarge, value, fma(scale, r + bent, scale - 1))
  }

  /// e^x - 1 - x, to full relative accuracy near 0 and within a few bits of it elsewhere; x as it was given.
  @inline(__always)
  func lessLine(_ x: Lanes) -> Lanes {
    let scale = power * beyond
    let line = select(isLarge, value - x, fma(scale, r + bent, (scale - 1) - x))
    return select(scale .== 1, bent, line)
  }
}

/// A logarithm in two words, for powers: an exponent multiplies its error too.
struct Precise {
  var high, low: Lanes

  @inline(__always)
  init(logOf x: Lanes) { (high, low) = preciseLog(x) }

  @inline(__always)
  private init(_ high: Lanes, _ low: Lanes) { (self.high, self.low) = (high, low) }

  @inline(__always)
  func less(_ other: lanes_pair) -> Precise {
    let value = high - other.high
    let part = value - high
    return Precise(value, ((high - (value - part)) - (other.high + part)) + (low - other.low))
  }

  /// e^(exponent · this).
  #if NEPIT_WIDE
    @inline(__always)
  #else
    @inline(never)
  #endif
  func power(_ exponent: Double) -> Lanes {
    let x = exponent * high
    let rest = fma(high, Lanes(repeating: exponent), 0 - x) + exponent * low
    // Where x is beyond all powers, so is its rounding.
    return Exponential(x, low: select(magnitude(x) .> 1000, 0, rest)).value
  }
}
