// Sums without rounding, whose result does not depend on the order of the terms.

public import CSystem

/// A sum of doubles, kept exactly: a fixed-point number, in two's complement, that is wide enough for any of them.
///
/// Its least bit is worth 2^-1074 and its 2176 bits leave room for 2^77 terms of any size, so that nothing is ever
/// rounded: terms in any order, and sums merged in any order, leave the same words. A view on memory that the caller
/// owns, `FixedPointSum.words` of it, zero at first.
public struct FixedPointSum {
  private static var limbs: Int { 34 }
  public static var words: Int { limbs + 2 }

  /// The number, least significant word first; how many terms were +infinity (or NaN), and how many -infinity (or NaN).
  private let words: UnsafeMutablePointer<UInt64>

  public init(_ words: UnsafeMutablePointer<UInt64>) { self.words = words }

  /// Adds x.
  public func add(_ x: Double) {
    let bits = x.bitPattern, exponent = Int(bits >> 52 & 0x7ff)
    guard exponent < 0x7ff else { return addInfinite(x) }
    let mantissa = bits & 0xf_ffff_ffff_ffff | (exponent > 0 ? 1 << 52 : 0)
    add(mantissa, 0, shift: max(exponent, 1) &- 1, isNegative: x < 0)
  }

  /// Adds a · b, not rounded before it is added; below 2^-1074 what remains is cut off.
  public func addProduct(_ a: Double, _ b: Double) {
    let product = a * b
    guard product - product == 0 else { return addInfinite(product) }
    let (first, second) = (Self.parts(a), Self.parts(b))
    let wide = first.mantissa.multipliedFullWidth(by: second.mantissa)
    var (low, high) = (wide.low, wide.high)
    guard low | high != 0 else { return }
    var shift = first.shift &+ second.shift &- 1074
    while shift < 0 {
      let step = min(0 &- shift, 63)
      low = low &>> UInt64(truncatingIfNeeded: step) | high &<< UInt64(truncatingIfNeeded: 64 &- step)
      high = high &>> UInt64(truncatingIfNeeded: step)
      shift &+= step
      if low | high == 0 { return }
    }
    add(low, high, shift: shift, isNegative: (a < 0) != (b < 0))
  }

  private static func parts(_ x: Double) -> (mantissa: UInt64, shift: Int) {
    let bits = x.bitPattern, exponent = Int(bits >> 52 & 0x7ff)
    return (bits & 0xf_ffff_ffff_ffff | (exponent > 0 ? 1 << 52 : 0), max(exponent, 1) &- 1)
  }

  private func addInfinite(_ x: Double) {
    if !(x < 0) { words[Self.limbs] &+= 1 }
    if !(x > 0) { words[Self.limbs &+ 1] &+= 1 }
  }

  /// Adds or subtracts (high 2^64 + low) 2^(shift - 1074).
  private func add(_ low: UInt64, _ high: UInt64, shift: Int, isNegative: Bool) {
    let place = shift &>> 6, bits = UInt64(shift & 63), rest = (64 &- bits) & 63
    var carry = false
    func put(_ index: Int, _ word: UInt64) {
      guard index < Self.limbs else { return }
      let (first, over) =
        isNegative ? words[index].subtractingReportingOverflow(word) : words[index].addingReportingOverflow(word)
      let (second, again) =
        isNegative
        ? first.subtractingReportingOverflow(carry ? 1 : 0) : first.addingReportingOverflow(carry ? 1 : 0)
      words[index] = second
      carry = over || again
    }
    put(place, low &<< bits)
    put(place &+ 1, high &<< bits | (bits == 0 ? 0 : low &>> rest))
    put(place &+ 2, bits == 0 ? 0 : high &>> rest)
    var index = place &+ 3
    while carry, index < Self.limbs {
      put(index, 0)
      index &+= 1
    }
  }

  /// Adds what another sum holds.
  public func merge(_ other: FixedPointSum) {
    var carry: UInt64 = 0
    for index in upTo(Self.limbs) {
      let (first, over) = words[index].addingReportingOverflow(other.words[index])
      let (second, again) = first.addingReportingOverflow(carry)
      words[index] = second
      carry = over || again ? 1 : 0
    }
    for index in upTo(Self.words, from: Self.limbs) { words[index] &+= other.words[index] }
  }

  /// The sum in two words, right to 2^-100 of it; NaN for infinities of both signs.
  public var pair: lanes_pair {
    let (positive, negative) = (words[Self.limbs], words[Self.limbs &+ 1])
    if positive | negative != 0 {
      return lanes_pair(negative == 0 ? .infinity : positive == 0 ? -.infinity : .nan)
    }
    let isNegative = words[Self.limbs &- 1] >> 63 != 0
    // The magnitude's words, from the greatest that is not 0: three of them hold 129 bits at least.
    var top = Self.limbs &- 1
    let sign: UInt64 = isNegative ? .max : 0
    while top > 0, words[top] == sign { top &-= 1 }
    if top < Self.limbs &- 1, isNegative { top &+= 1 }  // -2^n has a magnitude of a bit more
    let first = max(top &- 3, 0)
    var carry = isNegative
    if carry { for index in upTo(first) where words[index] != 0 { carry = false; break } }
    var result = lanes_pair.zero
    for index in upTo(top &+ 1, from: first) {
      var word = words[index] ^ sign
      if carry { (word, carry) = word.addingReportingOverflow(1) }
      // Each half is exact; from the least, so that every addition of pairs keeps the greater part.
      result = result + lanes_pair(Self.scaled(word & 0xffff_ffff, index &* 64))
      result = result + lanes_pair(Self.scaled(word >> 32, index &* 64 &+ 32))
    }
    return isNegative ? lanes_pair(high: -result.high, low: -result.low) : result
  }

  public var value: Double { pair.value }

  /// half 2^(shift - 1074), which may not be in the range of doubles.
  private static func scaled(_ half: UInt64, _ shift: Int) -> Double {
    guard half != 0 else { return 0 }
    let exponent = shift &- 1074, step = exponent / 2
    func power(_ n: Int) -> Double { Double(bitPattern: UInt64(truncatingIfNeeded: n &+ 1023) &<< 52) }
    return Double(half) * power(step) * power(exponent &- step)
  }
}
