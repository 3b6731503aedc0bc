internal import CSystem
internal import NepitMath

/// Additive smoothing of each row: (w + alpha) / (W + n alpha). 1 is Laplace's rule, 1/2 Jeffreys's.
public func smoothAdditive(
  _ weights: Matrix, alpha: Double, into out: MutableMatrix, running execution: Execution
) throws(CallError) {
  guard alpha >= 0, alpha < .infinity else { throw .parameter }
  try smooth(weights, weights, into: out, execution, .additive(alpha))
}

/// Each row mixed with a background distribution, uniform if there is none: (1 - weight) p + weight b.
public func smoothMix(
  _ weights: Matrix, weight: Double, background: Matrix?, into out: MutableMatrix, running execution: Execution
) throws(CallError) {
  guard weight >= 0, weight <= 1 else { throw .parameter }
  try smooth(weights, background ?? weights, into: out, execution, .mix(weight, isUniform: background == nil))
}

/// Each row raised to a floor and normalised again: max(p, epsilon) over the sum of them.
public func smoothFloor(
  _ weights: Matrix, epsilon: Double, into out: MutableMatrix, running execution: Execution
) throws(CallError) {
  guard epsilon >= 0, epsilon <= 1 else { throw .parameter }
  try smooth(weights, weights, into: out, execution, .floor(epsilon))
}

private func smooth(
  _ p: Matrix, _ q: Matrix, into out: MutableMatrix, _ execution: Execution, _ smoothing: Smoothing
) throws(CallError) {
  let count = try resultCount(p, q)
  guard out.rows == count, out.columns == p.columns else { throw .shape }
  try forEachRow(p, q, count: count, execution, SmoothTask(smoothing: smoothing, out: out))
}

private enum Smoothing {
  case additive(Double)
  case mix(Double, isUniform: Bool)
  case floor(Double)
}

private struct SmoothTask: RowTask {
  let smoothing: Smoothing
  let out: MutableMatrix

  func run(_ index: Int, _ rows: Rows) {
    let out = out.row(index)
    let count = Double(rows.p.count)
    switch smoothing {
    case .additive(let alpha):
      guard var parameters = additive(rows, alpha) else { return out.fill(.nan) }
      // The total in two words, rounded once.
      let total = lanes_pair(high: parameters.value_q, low: parameters.shift) + twoProduct(count, parameters.value)
      parameters.value_q = total.high
      rows.map(.smooth_additive, parameters, to: out)
    case .mix(let weight, let isUniform):
      guard let p = Weighed(Rows(rows.p, rows.p, rows.team)) else { return out.fill(.nan) }
      var parameters = lanes_parameters()
      (parameters.scale_p, parameters.total_p, parameters.weight) = (p.scale, p.total, weight)
      if isUniform {
        parameters.value = weight / count
        return rows.map(.smooth_uniform, parameters, to: out)
      }
      guard let q = Weighed(Rows(rows.q, rows.q, rows.team)) else { return out.fill(.nan) }
      (parameters.scale_q, parameters.total_q) = (q.scale, q.total)
      rows.map(.smooth_mix, parameters, to: out)
    case .floor(let floor):
      guard let p = Weighed(rows) else { return out.fill(.nan) }
      var parameters = lanes_parameters()
      (parameters.scale_p, parameters.total_p, parameters.threshold) = (p.scale, p.total, floor)
      parameters.value = (rows.sum(.floor, parameters).a + twoProduct(count, floor)).high
      rows.map(.smooth_floor, parameters, to: out)
    }
  }

  /// Scale, pseudo-count (value) and total (value_q and shift) of a row, which may be all zeros if there is a
  /// pseudo-count.
  private func additive(_ rows: Rows, _ alpha: Double) -> lanes_parameters? {
    var parameters = lanes_parameters()
    if let p = Weighed(rows) {
      // A pseudo-count far above the weights would overflow in their scale: then theirs is its.
      let scale = alpha * p.scale < 0x1p300 ? p.scale : 1 / alpha.floorPowerOfTwo
      let total = p.total * (scale / p.scale)
      (parameters.scale_p, parameters.value) = (scale, alpha * scale)
      (parameters.value_q, parameters.shift) = (total.high, total.low)
      return parameters
    }
    parameters.scale_p = 1
    let sums = rows.sum(.scan, parameters)
    guard alpha > 0, sums.a.high == 0, sums.b.high == 0 else { return nil }
    parameters.value = alpha / alpha.floorPowerOfTwo
    return parameters
  }
}
