internal import CSystem
internal import NepitMath

/// A row of good weights and what makes probabilities of them: w · scale / total.
struct Weighed {
  var scale: Double           // a power of two
  var total: lanes_pair       // of the scaled weights, in 1 ..< 2
  var greatest: Double        // of the scaled weights
  var support: Double         // how many are not 0

  /// From a first look at weights scaled by `scale`.
  private init(scale: Double, total: lanes_pair, greatest: Double, support: Double) {
    let unit = total.high.floorPowerOfTwo
    let isTooSmall = !(scale / unit < .infinity)
    self.scale = isTooSmall ? scale : scale / unit
    self.total = isTooSmall ? total : total * (1 / unit)
    self.greatest = greatest * self.scale
    self.support = support
  }

  /// Whether a scan says that no distribution is proportional to the weights.
  ///
  /// - Parameter signs: negative if an element's sign bit was set, as it is in -0 too.
  static func isBad(_ row: Row, total: Double, greatest: Double, signs: Int64) -> Bool {
    total.isNaN || total == 0 || greatest == .infinity || (signs < 0 && row.hasNegative())
  }

  /// Whether a total is in the range the kernels cover.
  static func isInRange(_ total: Double) -> Bool { total >= 0x1p-300 && total <= 0x1p300 }

  /// The power of two that brings the greatest weight to 1 ..< 2.
  static func scale(for greatest: Double) -> Double {
    let power = greatest.floorPowerOfTwo
    return power > 0x1p1000 ? 0x1p-1000 : 1 / power
  }

  /// The row's weights, or nil if they are no distribution's.
  init?(_ rows: Rows) {
    var parameters = lanes_parameters()
    parameters.scale_p = 1
    var sums = rows.sum(.scan, parameters)
    if Weighed.isBad(rows.p, total: sums.a.high, greatest: sums.greatest_p, signs: sums.signs_p) { return nil }
    if !Weighed.isInRange(sums.a.high) {
      parameters.scale_p = Weighed.scale(for: sums.greatest_p)
      sums = rows.sum(.scan, parameters)
    }
    self.init(scale: parameters.scale_p, total: sums.a, greatest: sums.greatest_p, support: sums.b.high)
  }

  /// Two rows' weights, and each one's mass where the other has some; nil if either is no distribution.
  static func both(_ rows: Rows) -> (p: Weighed, q: Weighed, sharedP: lanes_pair, sharedQ: lanes_pair)? {
    var parameters = lanes_parameters()
    (parameters.scale_p, parameters.scale_q) = (1, 1)
    var sums = rows.sum(.pair_scan, parameters)
    if isBad(rows.p, total: sums.a.high, greatest: sums.greatest_p, signs: sums.signs_p)
      || isBad(rows.q, total: sums.b.high, greatest: sums.greatest_q, signs: sums.signs_q)
    {
      return nil
    }
    if !isInRange(sums.a.high) || !isInRange(sums.b.high) {
      parameters.scale_p = scale(for: sums.greatest_p)
      parameters.scale_q = scale(for: sums.greatest_q)
      sums = rows.sum(.pair_scan, parameters)
    }
    let p = Weighed(scale: parameters.scale_p, total: sums.a, greatest: sums.greatest_p, support: 0)
    let q = Weighed(scale: parameters.scale_q, total: sums.b, greatest: sums.greatest_q, support: 0)
    return (p, q, sums.d * (p.scale / parameters.scale_p), sums.c * (q.scale / parameters.scale_q))
  }
}

/// Two rows of good weights, ready for the kernels that compare probabilities.
struct Pair {
  let rows: Rows
  let p, q: Weighed
  /// Each one's mass where the other has some, of the scaled weights.
  let sharedP, sharedQ: lanes_pair
  var parameters = lanes_parameters()

  init?(_ rows: Rows) {
    guard let weighed = Weighed.both(rows) else { return nil }
    self.rows = rows
    (p, q, sharedP, sharedQ) = weighed
    (parameters.scale_p, parameters.total_p) = (p.scale, p.total)
    (parameters.scale_q, parameters.total_q) = (q.scale, q.total)
  }

  /// The kernels compare p Q with q P: their sums are this much too large.
  var product: Double { p.total.high * q.total.high }

  func sum(_ reduction: lanes_reduction) -> lanes_sums { rows.sum(reduction, parameters) }

  /// A sum of second-order terms over the product. What is below 2^-196 is the totals' own rounding, squared.
  func normalized(_ sum: lanes_pair) -> Double {
    let value = sum.high / product
    return value < 0x1p-196 ? 0 : value
  }

  var reversed: Pair { Pair(reversing: self) }

  private init(reversing pair: Pair) {
    rows = pair.rows.reversed
    (p, q, sharedP, sharedQ) = (pair.q, pair.p, pair.sharedQ, pair.sharedP)
    parameters = pair.parameters
    (parameters.scale_p, parameters.total_p) = (p.scale, p.total)
    (parameters.scale_q, parameters.total_q) = (q.scale, q.total)
  }
}

/// Whether sums of weights taken as they are can be trusted: a good row of a total in the range the kernels cover.
@inline(__always)
func isPlain(_ total: Double, _ signs: Int64, _ rows: Rows) -> Bool {
  // Float kernels neither overflow nor lose anything to denormals between these.
  if rows.isCoarse { return signs >= 0 && total >= 0x1p-40 && total <= 0x1p26 }
  return signs >= 0 && total >= 0x1p-100 && total <= 0x1p300
}
