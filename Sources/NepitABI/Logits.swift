// The comparison of logits, an object of the section losses; nepit.h documents each function.

public import CNepit
internal import Nepit

/// Lends the object behind a handle to a body.
@inline(__always)
private func lend(
  _ handle: OpaquePointer?, _ body: (inout LogitsComparison) throws(CallError) -> Void
) throws(CallError) {
  guard let handle else { throw .null }
  var object = LogitsComparison(handle)
  do throws(CallError) {
    try body(&object)
  } catch {
    _ = object.release()
    throw error
  }
  _ = object.release()
}

@_cdecl("nepit_logits_comparison_create") @implementation
public func nepit_logits_comparison_create(
  _ cols: Int, _ top: Int, _ sketch_bits: Int, _ first: Int,
  _ comparison: UnsafeMutablePointer<OpaquePointer?>?
) -> nepit_status {
  call { _ throws(CallError) in
    guard let comparison else { throw .null }
    comparison.pointee = try LogitsComparison(columns: cols, top: top, sketchBits: sketch_bits, first: first).release()
  }
}

@_cdecl("nepit_logits_comparison_update") @implementation
public func nepit_logits_comparison_update(
  _ comparison: OpaquePointer?, _ base: nepit_array, _ test: nepit_array, _ labels: nepit_array,
  _ execution: UnsafePointer<nepit_execution>?, _ values: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try lend(comparison) { object throws(CallError) in
      try object.update(
        base: .logits(base), test: .logits(test), labels: .labels(labels),
        running: Execution(execution, environment), values: .optional(values))
    }
  }
}

@_cdecl("nepit_logits_comparison_merge") @implementation
public func nepit_logits_comparison_merge(_ comparison: OpaquePointer?, _ other: OpaquePointer?) -> nepit_status {
  call { _ throws(CallError) in
    try lend(comparison) { object throws(CallError) in
      try lend(other) { other throws(CallError) in try object.merge(other) }
    }
  }
}

@_cdecl("nepit_logits_comparison_summary") @implementation
public func nepit_logits_comparison_summary(
  _ comparison: OpaquePointer?, _ summary: UnsafeMutablePointer<nepit_logits_summary>?
) -> nepit_status {
  call { _ throws(CallError) in
    guard let summary else { throw .null }
    guard summary.pointee.size == MemoryLayout<nepit_logits_summary>.size else { throw .size }
    try lend(comparison) { object throws(CallError) in summary.pointee = nepit_logits_summary(object.summary()) }
  }
}

@_cdecl("nepit_logits_comparison_quantiles") @implementation
public func nepit_logits_comparison_quantiles(
  _ comparison: OpaquePointer?, _ count: Int, _ probabilities: UnsafePointer<Double>?,
  _ kl: UnsafeMutablePointer<Double>?, _ probability_change: UnsafeMutablePointer<Double>?
) -> nepit_status {
  call { _ throws(CallError) in
    guard count >= 0, count <= 1 << 20 else { throw .parameter }
    try lend(comparison) { object throws(CallError) in
      guard count > 0 else { return }
      guard let probabilities else { throw .null }
      for index in 0..<count where !(0...1).contains(probabilities[index]) { throw .parameter }
      for index in 0..<count {
        let values = object.quantiles(at: probabilities[index])
        kl?[index] = values.divergence
        probability_change?[index] = values.probabilityChange
      }
    }
  }
}

@_cdecl("nepit_logits_comparison_save") @implementation
public func nepit_logits_comparison_save(
  _ comparison: OpaquePointer?, _ capacity: Int, _ bytes: UnsafeMutablePointer<UInt8>?,
  _ length: UnsafeMutablePointer<Int>?
) -> nepit_status {
  call { _ throws(CallError) in
    guard let length else { throw .null }
    try lend(comparison) { object throws(CallError) in
      if let bytes {
        // Of the type size_t, which Swift reads as signed.
        guard UInt(bitPattern: capacity) >= UInt(bitPattern: object.savedCount) else { throw .shape }
        object.save(to: bytes)
      }
      length.pointee = object.savedCount
    }
  }
}

@_cdecl("nepit_logits_comparison_load") @implementation
public func nepit_logits_comparison_load(
  _ length: Int, _ bytes: UnsafePointer<UInt8>?, _ comparison: UnsafeMutablePointer<OpaquePointer?>?
) -> nepit_status {
  call { _ throws(CallError) in
    guard let comparison else { throw .null }
    guard let bytes else { throw length == 0 ? .format : .null }
    guard length >= 0 else { throw .format }
    comparison.pointee =
      try LogitsComparison(loading: UnsafeRawBufferPointer(start: bytes, count: length)).release()
  }
}

@_cdecl("nepit_logits_comparison_destroy") @implementation
public func nepit_logits_comparison_destroy(_ comparison: OpaquePointer?) {
  guard let comparison else { return }
  _ = LogitsComparison(comparison)  // dropped here
}

extension nepit_estimate {
  init(_ value: Estimate) { self.init(mean: value.mean, error: value.error) }
}

extension nepit_logits_summary {
  init(_ value: LogitsSummary) {
    self.init(
      size: MemoryLayout<nepit_logits_summary>.size, rows: UInt64(truncatingIfNeeded: value.rows), labelled: UInt64(truncatingIfNeeded: value.labelled),
      invalid: UInt64(truncatingIfNeeded: value.invalid), first_invalid: UInt64(truncatingIfNeeded: value.firstInvalid),
      kl: nepit_estimate(value.divergence), reverse_kl: nepit_estimate(value.reverse),
      jensen_shannon: nepit_estimate(value.jensenShannon), total_variation: nepit_estimate(value.totalVariation),
      base_entropy: nepit_estimate(value.baseEntropy), test_entropy: nepit_estimate(value.testEntropy),
      same_top: nepit_estimate(value.sameTop), overlap: nepit_estimate(value.overlap),
      kl_max: value.greatestDivergence, kl_min: value.leastDivergence, kl_max_position: UInt64(truncatingIfNeeded: value.greatestAt),
      kl_min_position: UInt64(truncatingIfNeeded: value.leastAt), base_loss: nepit_estimate(value.baseLoss),
      test_loss: nepit_estimate(value.testLoss), log_ratio: nepit_estimate(value.logRatio),
      base_perplexity: nepit_estimate(value.basePerplexity), test_perplexity: nepit_estimate(value.testPerplexity),
      perplexity_ratio: nepit_estimate(value.perplexityRatio),
      perplexity_difference: nepit_estimate(value.perplexityDifference), loss_covariance: value.lossCovariance,
      loss_correlation: value.lossCorrelation, probability_change: nepit_estimate(value.probabilityChange),
      probability_change_rms: nepit_estimate(value.probabilityChangeRMS), probability_change_max: value.greatestChange,
      probability_change_min: value.leastChange, probability_change_max_position: UInt64(truncatingIfNeeded: value.greatestChangeAt),
      probability_change_min_position: UInt64(truncatingIfNeeded: value.leastChangeAt))
  }
}
