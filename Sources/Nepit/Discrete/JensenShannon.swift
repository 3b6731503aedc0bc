internal import CSystem
internal import NepitMath

/// The Jensen–Shannon divergence of two distributions, `p` having the given weight in their mixture.
///
/// - Parameter weight: In `0 ... 1`.
/// - Returns: A value between 0 and the binary entropy of `weight`. Relative error at most 2^-48.
/// - Precondition: `p` and `q` have equal counts.
public func jensenShannonDivergence(
  _ p: borrowing Span<Double>, _ q: borrowing Span<Double>, weight: Double = 0.5, in unit: InformationUnit = .nepits
) throws(CallError) -> Double {
  scalar(try JensenShannon(weight: weight, unit: unit, isDistance: false), p, q)
}

/// The Jensen–Shannon distance of two distributions: the square root of the divergence, a metric for a weight of 1/2.
///
/// - Precondition: `p` and `q` have equal counts.
public func jensenShannonDistance(
  _ p: borrowing Span<Double>, _ q: borrowing Span<Double>, weight: Double = 0.5, in unit: InformationUnit = .nepits
) throws(CallError) -> Double {
  scalar(try JensenShannon(weight: weight, unit: unit, isDistance: true), p, q)
}

/// The Jensen–Shannon divergence, or distance, of each pair of rows.
public func jensenShannonDivergences(
  _ p: Matrix, _ q: Matrix, weight: Double, asDistances isDistance: Bool, in unit: InformationUnit,
  into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  try JensenShannon(weight: weight, unit: unit, isDistance: isDistance).evaluate(p, q, execution, into: out)
}

/// The Jensen–Shannon divergence, or distance, of each pair of rows, and its gradients by both.
public func jensenShannonDivergenceGradients(
  _ p: Matrix, _ q: Matrix, weight: Double, asDistances isDistance: Bool, in unit: InformationUnit,
  into out: UnsafeMutablePointer<Double>?, _ pGradient: MutableMatrix?, _ qGradient: MutableMatrix?,
  running execution: Execution
) throws(CallError) {
  try JensenShannon(weight: weight, unit: unit, isDistance: isDistance)
    .differentiate(p, q, execution, into: out, pGradient, qGradient)
}

struct JensenShannon: DifferentiableMeasure {
  let weight: Double
  let unit: InformationUnit
  let isDistance: Bool

  init(weight: Double, unit: InformationUnit, isDistance: Bool) throws(CallError) {
    guard weight >= 0, weight <= 1 else { throw .parameter }
    (self.weight, self.unit, self.isDistance) = (weight, unit, isDistance)
  }

  /// With all the weight on one distribution the mixture is that one, and the value 0.
  private var isDegenerate: Bool { weight == 0 || weight == 1 }

  var firstRead: FirstRead? { isDegenerate ? nil : FirstRead(reduction: .jensen_shannon_first, parameters: parameters) }

  private var parameters: lanes_parameters {
    var parameters = lanes_parameters()
    parameters.weight = weight
    return parameters
  }

  func value(_ rows: Rows) -> Double {
    let divergence = unit.convert(nepits(rows))
    return isDistance ? divergence.squareRoot() : divergence
  }

  private func nepits(_ rows: Rows) -> Double {
    if !isDegenerate, let value = valueAsGiven(rows, .jensen_shannon_first, parameters) { return value }
    guard var pair = Pair(rows) else { return .nan }
    if isDegenerate { return 0 }
    pair.parameters.weight = weight
    let halves = halves(pair)
    return weight * halves.p + (1 - weight) * halves.q
  }

  private func halves(_ pair: Pair) -> (p: Double, q: Double) {
    let sums = pair.sum(.jensen_shannon)
    return (pair.normalized(sums.a), pair.normalized(sums.b))
  }

  func differentiate(_ rows: Rows, _ first: MutableRow?, _ second: MutableRow?) -> Double {
    let value = value(rows)
    guard first != nil || second != nil else { return value }
    guard var pair = Pair(rows) else {
      first?.fill(.nan)
      second?.fill(.nan)
      return value
    }
    if isDegenerate || (isDistance && value == 0) {
      first?.fill(0)
      second?.fill(0)
      return value
    }
    pair.parameters.weight = weight
    (pair.parameters.value, pair.parameters.value_q) = halves(pair)
    pair.parameters.factor = unit.nepits * (isDistance ? 2 * value : 1)
    rows.map(.jensen_shannon_gradient, pair.parameters, to: first, second)
    return value
  }
}

/// The Jensen–Shannon divergence of each group of `members` rows, mixed in the given shares.
///
/// - Parameter mixing: One weight a member; nil for equal ones.
/// - Throws: `memory` if there is none for 600 bytes a member and thread.
public func generalizedJensenShannonDivergences(
  of weights: Matrix, members: UInt, mixing: UnsafePointer<Double>?, in unit: InformationUnit,
  into out: UnsafeMutablePointer<Double>?, running execution: Execution
) throws(CallError) {
  guard members >= 1 else { throw .parameter }
  guard let members = Int(exactly: members), weights.rows % members == 0 else { throw .shape }
  var total = 0.0, scale = 1.0
  if let mixing {
    var greatest = 0.0
    for index in upTo(members) {
      guard mixing[index] >= 0, mixing[index] < .infinity else { throw .parameter }
      greatest = max(greatest, mixing[index])
    }
    guard greatest > 0 else { throw .parameter }
    scale = greatest
    // Over the greatest, or the sum might overflow.
    for index in upTo(members) { total += mixing[index] / greatest }
  }
  let count = weights.rows / members
  guard count > 0 else { return }
  guard let out else { throw .null }
  guard let failed = cs_allocate(64) else { throw .memory }
  defer { cs_free(failed) }
  let flag = failed.assumingMemoryBound(to: Int64.self)
  flag.pointee = 0
  var team = Team(
    threads: weights.rows &* weights.columns < 1 << 14 ? 1 : execution.threads, monitor: execution.monitor,
    context: execution.context, environment: execution.environment)
  let isStopped = withUnsafeMutablePointer(to: &team) { team in
    loop(
      count, team,
      MixtureLoop(
        weights: weights, members: members, mixing: mixing, mixingScale: scale, mixingTotal: total, unit: unit, out: out, failed: flag))
    return team.pointee.isStopped
  }
  if cs_atomic_load(flag) != 0 { throw .memory }
  if isStopped { throw .cancelled }
}

private struct MixtureLoop: LoopBody {
  let weights: Matrix
  let members: Int
  let mixing: UnsafePointer<Double>?
  let mixingScale, mixingTotal: Double
  let unit: InformationUnit
  let out: UnsafeMutablePointer<Double>
  let failed: UnsafeMutablePointer<Int64>

  func run(_ group: Int) {
    let (bytes, overflow) = members.multipliedReportingOverflow(by: 512 + MemoryLayout<lanes_member>.stride + 8)
    guard !overflow, let memory = cs_allocate(bytes) else { return cs_atomic_store(failed, 1) }
    defer { cs_free(memory) }
    let buffer = memory.assumingMemoryBound(to: Double.self)
    let members = (memory + self.members &* 512).assumingMemoryBound(to: lanes_member.self)
    let numbers = (memory + self.members &* (512 + MemoryLayout<lanes_member>.stride)).assumingMemoryBound(to: Int.self)
    var count = 0
    for index in upTo(self.members) {
      let share = mixing.map { $0[index] / mixingScale / mixingTotal } ?? 1 / Double(self.members)
      if share == 0 { continue }
      let row = weights.row(group &* self.members &+ index)
      guard let weighed = Weighed(Rows(row, row, nil)) else {
        out[group] = .nan
        return
      }
      members[count] = lanes_member(scale: weighed.scale, total: weighed.total, weight: share)
      numbers[count] = group &* self.members &+ index
      count &+= 1
    }
    var carry = lanes_carry(), sums = lanes_sums()
    var start = 0
    while start < weights.columns {
      let width = min(64, weights.columns &- start)
      for index in upTo(count) {
        let row = weights.row(numbers[index])
        row.type.read(row.pointer(start), stride: row.stride, count: width, into: buffer + index &* 64)
        for column in upTo(64, from: width) { buffer[index &* 64 &+ column] = 0 }
      }
      mixtureDivergence(buffer, members, count, width, &carry, start &+ width == weights.columns, &sums)
      start &+= width
    }
    out[group] = unit.convert(sums.a.high < 0x1p-196 ? 0 : sums.a.high) + 0
  }
}
