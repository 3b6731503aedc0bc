public import NepitMath

/// The unit in which information is measured: the base of the logarithm.
///
/// Everything is computed in nepits; a unit converts at the end.
public struct InformationUnit: Equatable, Sendable {
  /// The natural logarithm of the base: how many nepits make one of this unit.
  @usableFromInline let nepits: Double

  /// The unit whose logarithm has the given base, finite and greater than 1.
  public init(base: Double) throws(CallError) {
    guard base > 1, base < .infinity else { throw .base }
    // The two bases that nearly every call has need no logarithm.
    if base == 0x1.5bf0a8b145769p+1 {
      nepits = 1
    } else if base == 2 {
      nepits = 0x1.62e42fefa39efp-1
    } else {
      nepits = try inDefaultEnvironment { _ throws(CallError) in log(base) }
    }
  }

  private init(nepits: Double) { self.nepits = nepits }

  /// Base *e*: the nepit, also called nat.
  public static var nepits: InformationUnit { InformationUnit(nepits: 1) }
  /// Base 2: the bit.
  public static var bits: InformationUnit { InformationUnit(nepits: 0x1.62e42fefa39efp-1) }
  /// Base 10: the hartley.
  public static var hartleys: InformationUnit { InformationUnit(nepits: 0x1.26bb1bbb55516p+1) }

  func convert(_ value: Double) -> Double { nepits == 1 ? value : value / nepits }
}
