// The losses section of nepit.h; nepit.h documents each function.

public import CNepit
internal import Nepit

extension Reduction {
  init(_ value: nepit_reduction) throws(CallError) {
    guard let reduction = Reduction(rawValue: value) else { throw .parameter }
    self = reduction
  }
}

extension SoftmaxOptions {
  init(_ record: UnsafePointer<nepit_softmax_options>?) throws(CallError) {
    guard let record else {
      self = SoftmaxOptions()
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_softmax_options>.size else { throw .size }
    let options = record.pointee
    self = try SoftmaxOptions(
      labelSmoothing: options.label_smoothing, ignoredLabel: options.ignore_index, zLoss: options.z_loss,
      softcap: options.softcap, temperature: options.temperature, reduction: Reduction(options.reduction))
  }
}

@_cdecl("nepit_softmax_cross_entropy") @implementation
public func nepit_softmax_cross_entropy(
  _ logits: nepit_array, _ labels: nepit_array, _ class_weights: nepit_array, _ row_weights: nepit_array,
  _ options: UnsafePointer<nepit_softmax_options>?, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?,
  _ log_sums: UnsafeMutablePointer<Double>?, _ argmax: UnsafeMutablePointer<Int64>?,
  _ counts: UnsafeMutablePointer<Int64>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = SoftmaxOutputs()
    (outputs.loss, outputs.losses, outputs.logSums) = (out, losses, log_sums)
    (outputs.argmax, outputs.counts, outputs.gradient) = (argmax, counts, try .optional(gradient))
    try softmaxCrossEntropy(
      of: Matrix(logits), against: Labels(Matrix(labels)), classWeights: .optional(class_weights),
      rowWeights: .optional(row_weights), options: SoftmaxOptions(options), into: outputs,
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_logsumexp") @implementation
public func nepit_logsumexp(
  _ logits: nepit_array, _ temperature: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try logSumExps(
      of: Matrix(logits), temperature: temperature, into: out, .optional(gradient),
      running: Execution(execution, environment))
  }
}

@_cdecl("nepit_softmax") @implementation
public func nepit_softmax(
  _ logits: nepit_array, _ temperature: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try softmaxes(
      of: Matrix(logits), temperature: temperature, into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

@_cdecl("nepit_log_softmax") @implementation
public func nepit_log_softmax(
  _ logits: nepit_array, _ temperature: Double, _ execution: UnsafePointer<nepit_execution>?,
  _ out: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    try logSoftmaxes(
      of: Matrix(logits), temperature: temperature, into: MutableMatrix(out), running: Execution(execution, environment))
  }
}

extension GaussianOptions {
  init(_ record: UnsafePointer<nepit_gaussian_options>?) throws(CallError) {
    guard let record else {
      self = GaussianOptions()
      return
    }
    guard record.pointee.size == MemoryLayout<nepit_gaussian_options>.size else { throw .size }
    let options = record.pointee
    self = try GaussianOptions(freeBits: options.free_bits, reduction: Reduction(options.reduction))
  }
}

extension PointwiseOutputs {
  init(
    _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array
  ) throws(CallError) {
    self.init()
    (loss, self.losses, self.terms) = (out, losses, try .optional(terms))
  }
}

@_cdecl("nepit_gaussian_kl") @implementation
public func nepit_gaussian_kl(
  _ mean: nepit_array, _ log_variance: nepit_array, _ other_mean: nepit_array, _ other_log_variance: nepit_array,
  _ options: UnsafePointer<nepit_gaussian_options>?, _ execution: UnsafePointer<nepit_execution>?,
  _ out: UnsafeMutablePointer<Double>?, _ losses: UnsafeMutablePointer<Double>?, _ terms: nepit_mutable_array,
  _ mean_gradient: nepit_mutable_array, _ log_variance_gradient: nepit_mutable_array,
  _ other_mean_gradient: nepit_mutable_array, _ other_log_variance_gradient: nepit_mutable_array
) -> nepit_status {
  call { environment throws(CallError) in
    var outputs = try PointwiseOutputs(out, losses, terms)
    outputs.setGradients(
      try .optional(mean_gradient), try .optional(log_variance_gradient), try .optional(other_mean_gradient),
      try .optional(other_log_variance_gradient))
    try gaussianKLDivergence(
      ofMean: Matrix(mean), logVariance: Matrix(log_variance), fromMean: .optional(other_mean),
      logVariance: .optional(other_log_variance), options: GaussianOptions(options), into: outputs,
      running: Execution(execution, environment))
  }
}
