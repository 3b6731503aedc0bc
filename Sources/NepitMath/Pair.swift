// Sums in two words.

public import CSystem

extension lanes_pair {
  public static var zero: lanes_pair { lanes_pair(high: 0, low: 0) }

  public init(_ x: Double) { self.init(high: x, low: 0) }

  /// a + b exactly (Knuth).
  public init(sumOf a: Double, and b: Double) {
    let sum = a + b
    let part = sum - a
    let rest = (a - (sum - part)) + (b - part)
    self.init(high: sum, low: sum - sum == 0 ? rest : 0)
  }

  public static func + (a: lanes_pair, b: lanes_pair) -> lanes_pair {
    let top = lanes_pair(sumOf: a.high, and: b.high)
    guard top.high - top.high == 0 else { return lanes_pair(top.high) }
    return lanes_pair(sumOf: top.high, and: top.low + (a.low + b.low))
  }

  public static func * (a: lanes_pair, powerOfTwo: Double) -> lanes_pair {
    lanes_pair(high: a.high * powerOfTwo, low: a.low * powerOfTwo)
  }

  /// This less `sum` / `divisor`, all in two words, and the magnitudes of both.
  public func less(quotient sum: lanes_pair, by divisor: lanes_pair) -> (value: Double, magnitudes: Double) {
    // One division, begun before the sum is there.
    let inverse = 1 / divisor.high
    let quotient = sum.high * inverse
    guard quotient - quotient == 0 else { return (high - quotient, .infinity) }
    let product = twoProduct(quotient, divisor.high)
    let rest = ((sum.high - product.high) - product.low + sum.low - quotient * divisor.low) * inverse
    let top = lanes_pair(sumOf: high, and: -quotient)
    return (top.high + (top.low + (low - rest)), abs(high) + abs(quotient))
  }

  public static func - (a: lanes_pair, b: Double) -> lanes_pair { a + lanes_pair(-b) }

  /// log of it in two words.
  public var logarithm: lanes_pair {
    if high == 1 { return lanes_pair(low) }
    let main = preciseLog(high)
    return lanes_pair(sumOf: main.high, and: main.low + low / high)
  }

  public var value: Double { high + low }
}

extension Double {
  /// A whole number in 0 ..< 2^52 as an integer; of another number some integer, where `Int(x)` may trap.
  @inlinable @inline(__always)
  public var whole: Int { Int(truncatingIfNeeded: (self + 0x1p52).bitPattern & 0xf_ffff_ffff_ffff) }

  /// The power of two at or below it, for a positive finite number.
  public var floorPowerOfTwo: Double {
    let bits = bitPattern & 0x7ff0_0000_0000_0000
    return bits == 0 ? Double.leastNormalMagnitude : Double(bitPattern: bits)
  }
}

/// a · b in two words, without a fused multiply-add: both have their low halves cut off.
public func twoProduct(_ a: Double, _ b: Double) -> lanes_pair {
  func split(_ x: Double) -> (Double, Double) {
    let high = Double(bitPattern: x.bitPattern & 0xffff_ffff_f800_0000)
    return (high, x - high)
  }
  let (a1, a2) = split(a), (b1, b2) = split(b)
  let value = a * b
  return lanes_pair(high: value, low: ((a1 * b1 - value) + a1 * b2 + a2 * b1) + a2 * b2)
}
