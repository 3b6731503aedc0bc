internal import CSystem
internal import NepitMath

/// What is wrong with a row that is no distribution; the raw values are the header's.
public struct DistributionFinding: OptionSet, Sendable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static var negative: DistributionFinding { DistributionFinding(rawValue: 1) }
  public static var nan: DistributionFinding { DistributionFinding(rawValue: 2) }
  public static var infinite: DistributionFinding { DistributionFinding(rawValue: 4) }
  public static var zeroSum: DistributionFinding { DistributionFinding(rawValue: 8) }
  public static var notNormalized: DistributionFinding { DistributionFinding(rawValue: 16) }
}

/// Tells whether weights are a distribution, their sum within `tolerance` of 1, and by how much it is off.
public func checkDistribution(
  _ weights: borrowing Span<Double>, tolerance: Double = 0x1p-30
) throws(CallError) -> (finding: DistributionFinding, excess: Double) {
  let matrix = try Matrix(weights)
  var finding: Int32 = 0, excess = 0.0
  try inDefaultEnvironment { _ throws(CallError) in
    try checkDistributions(matrix, tolerance: tolerance, into: &finding, excess: &excess, running: .inline)
  }
  return (DistributionFinding(rawValue: finding), excess)
}

/// Tells of each row whether it is a distribution, and by how much its sum is off.
public func checkDistributions(
  _ weights: Matrix, tolerance: Double, into findings: UnsafeMutablePointer<Int32>?,
  excess: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  guard tolerance >= 0 else { throw .parameter }
  guard weights.rows > 0 else { return }
  guard let findings else { throw .null }
  try forEachRow(
    weights, weights, count: weights.rows, execution,
    CheckTask(tolerance: tolerance, findings: findings, excess: excess))
}

private struct CheckTask: RowTask {
  let tolerance: Double
  let findings: UnsafeMutablePointer<Int32>
  let excess: UnsafeMutablePointer<Double>?

  func run(_ index: Int, _ rows: Rows) {
    var parameters = lanes_parameters()
    parameters.scale_p = 1
    let sums = rows.sum(.scan, parameters)
    var finding: DistributionFinding = []
    // The sum alone tells that all is well; else the row is looked at once more.
    if !sums.a.high.isFinite || sums.signs_p < 0 { finding = look(rows.p) }
    let off = sums.a - 1
    if sums.a.high == 0, finding.isEmpty { finding.insert(.zeroSum) }
    if abs(off.high) > tolerance { finding.insert(.notNormalized) }
    findings[index] = finding.rawValue
    excess?[index] = off.high + 0
  }

  private func look(_ row: Row) -> DistributionFinding {
    var finding: DistributionFinding = []
    for index in upTo(row.count) {
      let weight = row.read(index)
      if weight.isNaN { finding.insert(.nan) }
      if weight < 0 { finding.insert(.negative) }
      if weight.isInfinite { finding.insert(.infinite) }
    }
    return finding
  }
}
