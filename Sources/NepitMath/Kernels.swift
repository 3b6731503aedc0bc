// The one place that asks the processor, and picks the kernels for it.

public import CSystem
internal import NepitKernels
#if NEPIT_WIDE_KERNELS
  internal import NepitKernelsV3
  internal import NepitKernelsV4
#endif

/// 0 until asked, then 1, 3 or 4. Two threads that ask at once write the same value: no lock that a child forked in
/// the middle could find taken.
nonisolated(unsafe) private var chosen: Int64 = 0

/// The level of x86-64 whose kernels run: 1, 3 or 4.
public func instructionSet() -> Int64 {
  let known = cs_atomic_load(&chosen)
  if known != 0 { return known }
  return chooseInstructionSet()
}

@inline(never)
private func chooseInstructionSet() -> Int64 {
  #if NEPIT_WIDE_KERNELS
    let level = Int64(min(cs_cpu_level(), cs_isa_ceiling()))
  #else
    let level: Int64 = 1
  #endif
  cs_atomic_store(&chosen, level)
  return level
}

/// `reduce` of the chosen kernels.
public func reduce(
  _ reduction: lanes_reduction, _ element: lanes_element, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_parameters>, _ carry: UnsafeMutablePointer<lanes_carry>?, _ isLast: Bool,
  _ out: UnsafeMutablePointer<lanes_sums>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.reduce(reduction, element, p, q, count, parameters, carry, isLast, out)
    case 3: NepitKernelsV3.reduce(reduction, element, p, q, count, parameters, carry, isLast, out)
  #endif
  default: NepitKernels.reduce(reduction, element, p, q, count, parameters, carry, isLast, out)
  }
}

/// Whether the chosen kernels have `reduceColumns`.
public func readsColumns() -> Bool { instructionSet() > 1 }

/// `reduceColumns` of the chosen kernels.
public func reduceColumns(
  _ reduction: lanes_reduction, _ element: lanes_element, _ p: UnsafeRawPointer, step pStep: Int, shares sharesP: Bool,
  _ q: UnsafeRawPointer, step qStep: Int, shares sharesQ: Bool, _ count: Int,
  _ parameters: UnsafePointer<lanes_parameters>, _ slots: UnsafeMutablePointer<lanes_slots>,
  _ out: UnsafeMutablePointer<lanes_sums>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4:
      NepitKernelsV4.reduceColumns(
        reduction, element, p, step: pStep, shares: sharesP, q, step: qStep, shares: sharesQ, count, parameters, slots, out)
    case 3:
      NepitKernelsV3.reduceColumns(
        reduction, element, p, step: pStep, shares: sharesP, q, step: qStep, shares: sharesQ, count, parameters, slots, out)
  #endif
  default: break
  }
}

/// `map` of the chosen kernels.
public func map(
  _ map: lanes_map, _ p: UnsafePointer<Double>, _ q: UnsafePointer<Double>, _ count: Int,
  _ parameters: UnsafePointer<lanes_parameters>, _ first: UnsafeMutablePointer<Double>,
  _ second: UnsafeMutablePointer<Double>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.map(map, p, q, count, parameters, first, second)
    case 3: NepitKernelsV3.map(map, p, q, count, parameters, first, second)
  #endif
  default: NepitKernels.map(map, p, q, count, parameters, first, second)
  }
}

/// `mixtureDivergence` of the chosen kernels.
public func mixtureDivergence(
  _ weights: UnsafePointer<Double>, _ members: UnsafePointer<lanes_member>, _ memberCount: Int, _ count: Int,
  _ carry: UnsafeMutablePointer<lanes_carry>, _ isLast: Bool, _ out: UnsafeMutablePointer<lanes_sums>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.mixtureDivergence(weights, members, memberCount, count, carry, isLast, out)
    case 3: NepitKernelsV3.mixtureDivergence(weights, members, memberCount, count, carry, isLast, out)
  #endif
  default: NepitKernels.mixtureDivergence(weights, members, memberCount, count, carry, isLast, out)
  }
}

/// `greatestLogit` of the chosen kernels.
public func greatestLogit(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int
) -> Double {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.greatestLogit(element, x, count)
    case 3: NepitKernelsV3.greatestLogit(element, x, count)
  #endif
  default: NepitKernels.greatestLogit(element, x, count)
  }
}

/// `placeOfLogit` of the chosen kernels.
public func placeOfLogit(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ value: Double
) -> Int {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.placeOfLogit(element, x, count, value)
    case 3: NepitKernelsV3.placeOfLogit(element, x, count, value)
  #endif
  default: NepitKernels.placeOfLogit(element, x, count, value)
  }
}

/// `addTerms` of the chosen kernels.
public func addTerms(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ skip: Int, _ spread: Bool, _ parameters: UnsafePointer<lanes_softmax>, _ carry: UnsafeMutablePointer<lanes_softmax_carry>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.addTerms(element, x, count, skip, spread, parameters, carry)
    case 3: NepitKernelsV3.addTerms(element, x, count, skip, spread, parameters, carry)
  #endif
  default: NepitKernels.addTerms(element, x, count, skip, spread, parameters, carry)
  }
}

/// `writeTerms` of the chosen kernels. (Not inlined, and with parameters in another order than those of the next: the
/// compiler merges functions that differ in the address they call alone, and the linker would export the addresses.)
@inline(never)
public func writeTerms(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ parameters: UnsafePointer<lanes_softmax>, _ out: UnsafeMutableRawPointer
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.writeTerms(element, x, count, parameters, out)
    case 3: NepitKernelsV3.writeTerms(element, x, count, parameters, out)
  #endif
  default: NepitKernels.writeTerms(element, x, count, parameters, out)
  }
}

/// `writeDistances` of the chosen kernels.
@inline(never)
public func writeDistances(
  _ element: lanes_element, _ parameters: UnsafePointer<lanes_softmax>, _ x: UnsafeRawPointer, _ count: Int,
  _ out: UnsafeMutableRawPointer
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.writeDistances(element, x, count, parameters, out)
    case 3: NepitKernelsV3.writeDistances(element, x, count, parameters, out)
  #endif
  default: NepitKernels.writeDistances(element, x, count, parameters, out)
  }
}

/// `narrowSoftmax` of the chosen kernels.
public func narrowSoftmax(
  _ rows: UnsafeMutablePointer<lanes_narrow>, _ columns: Int, _ temperature: Double
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.narrowSoftmax(rows, columns, temperature)
    case 3: NepitKernelsV3.narrowSoftmax(rows, columns, temperature)
  #endif
  default: NepitKernels.narrowSoftmax(rows, columns, temperature)
  }
}

/// `widenHalves` of the chosen kernels.
public func widenHalves(
  _ isBrain: Bool, _ x: UnsafePointer<UInt16>, _ count: Int, _ out: UnsafeMutablePointer<Float>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.widenHalves(isBrain, x, count, out)
    case 3: NepitKernelsV3.widenHalves(isBrain, x, count, out)
  #endif
  default: NepitKernels.widenHalves(isBrain, x, count, out)
  }
}

/// `narrowFloats` of the chosen kernels.
public func narrowFloats(
  _ isBrain: Bool, _ x: UnsafePointer<Float>, _ count: Int, _ out: UnsafeMutablePointer<UInt16>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.narrowFloats(isBrain, x, count, out)
    case 3: NepitKernelsV3.narrowFloats(isBrain, x, count, out)
  #endif
  default: NepitKernels.narrowFloats(isBrain, x, count, out)
  }
}

/// `rankLogits` of the chosen kernels.
public func rankLogits(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ start: Int, _ top: UnsafeMutablePointer<lanes_top>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.rankLogits(element, x, count, start, top)
    case 3: NepitKernelsV3.rankLogits(element, x, count, start, top)
  #endif
  default: NepitKernels.rankLogits(element, x, count, start, top)
  }
}

/// `addLogits` of the chosen kernels.
public func addLogits(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ pair: UnsafePointer<lanes_logit_pair>, _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.addLogits(element, x, y, count, pair, sums)
    case 3: NepitKernelsV3.addLogits(element, x, y, count, pair, sums)
  #endif
  default: NepitKernels.addLogits(element, x, y, count, pair, sums)
  }
}

/// `addLogitTerms` of the chosen kernels.
public func addLogitTerms(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ pair: UnsafePointer<lanes_logit_pair>, _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.addLogitTerms(element, x, y, count, pair, sums)
    case 3: NepitKernelsV3.addLogitTerms(element, x, y, count, pair, sums)
  #endif
  default: NepitKernels.addLogitTerms(element, x, y, count, pair, sums)
  }
}

/// `addLosses` of the chosen kernels.
public func addLosses(
  _ loss: lanes_loss, _ element: lanes_element, rows: Int, _ count: Int, _ data: UnsafePointer<lanes_loss_rows>,
  _ carry: UnsafeMutablePointer<lanes_loss_sum>?, _ totals: UnsafeMutablePointer<lanes_pair>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.addLosses(loss, element, rows: rows, count, data, carry, totals)
    case 3: NepitKernelsV3.addLosses(loss, element, rows: rows, count, data, carry, totals)
  #endif
  default: NepitKernels.addLosses(loss, element, rows: rows, count, data, carry, totals)
  }
}

/// `addFloatLogits` of the chosen kernels.
public func addFloatLogits(
  _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int, _ skip: Int, _ other: Int,
  _ units: UnsafePointer<lanes_logit_units>, _ sums: UnsafeMutablePointer<lanes_logit_lanes>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.addFloatLogits(x, y, count, skip, other, units, sums)
    case 3: NepitKernelsV3.addFloatLogits(x, y, count, skip, other, units, sums)
  #endif
  default: NepitKernels.addFloatLogits(x, y, count, skip, other, units, sums)
  }
}

/// `addFloatLogitTerms` of the chosen kernels.
public func addFloatLogitTerms(
  _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int, _ units: UnsafePointer<lanes_logit_units>,
  _ sums: UnsafeMutablePointer<lanes_logit_lanes>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.addFloatLogitTerms(x, y, count, units, sums)
    case 3: NepitKernelsV3.addFloatLogitTerms(x, y, count, units, sums)
  #endif
  default: NepitKernels.addFloatLogitTerms(x, y, count, units, sums)
  }
}

/// `addDivergence` of the chosen kernels.
public func addDivergence(
  _ kind: lanes_divergence_kind, _ element: lanes_element, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_divergence>, _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.addDivergence(kind, element, x, y, count, parameters, sums)
    case 3: NepitKernelsV3.addDivergence(kind, element, x, y, count, parameters, sums)
  #endif
  default: NepitKernels.addDivergence(kind, element, x, y, count, parameters, sums)
  }
}

/// `writeDivergence` of the chosen kernels.
public func writeDivergence(
  _ kind: lanes_divergence_kind, _ element: lanes_element, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_divergence>, _ first: UnsafeMutableRawPointer?, _ second: UnsafeMutableRawPointer?
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.writeDivergence(kind, element, x, y, count, parameters, first, second)
    case 3: NepitKernelsV3.writeDivergence(kind, element, x, y, count, parameters, first, second)
  #endif
  default: NepitKernels.writeDivergence(kind, element, x, y, count, parameters, first, second)
  }
}

/// `addWeighted` of the chosen kernels.
public func addWeighted(
  _ kind: lanes_weighting_kind, _ element: lanes_element, _ x: UnsafeRawPointer, _ weights: UnsafeRawPointer,
  _ count: Int, _ skip: Int, _ parameters: UnsafePointer<lanes_weighting>,
  _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.addWeighted(kind, element, x, weights, count, skip, parameters, sums)
    case 3: NepitKernelsV3.addWeighted(kind, element, x, weights, count, skip, parameters, sums)
  #endif
  default: NepitKernels.addWeighted(kind, element, x, weights, count, skip, parameters, sums)
  }
}

/// `writeWeighted` of the chosen kernels.
public func writeWeighted(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ weights: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_weighting>, _ out: UnsafeMutableRawPointer
) {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.writeWeighted(element, x, weights, count, parameters, out)
    case 3: NepitKernelsV3.writeWeighted(element, x, weights, count, parameters, out)
  #endif
  default: NepitKernels.writeWeighted(element, x, weights, count, parameters, out)
  }
}

private func evaluate(_ function: lanes_function, _ x: Double) -> Double {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.evaluate(function, x)
    case 3: NepitKernelsV3.evaluate(function, x)
  #endif
  default: NepitKernels.evaluate(function, x)
  }
}

public func log(_ x: Double) -> Double { evaluate(.log, x) }
public func log1p(_ x: Double) -> Double { evaluate(.log1p, x) }
public func exp(_ x: Double) -> Double { evaluate(.exp, x) }
public func expm1(_ x: Double) -> Double { evaluate(.expm1, x) }

/// x - log(1 + x), at least 0 and accurate near 0.
public func logExcess(_ x: Double) -> Double {
  // Totals that are off by rounding alone have no need of a logarithm: the next term is below 2^-55 of the first.
  if abs(x) < 0x1p-18 { return x * x * (0.5 - x * (0x1.5555555555555p-2 - x * 0.25)) }
  return evaluate(.excess, x)
}

/// log x in two words, for a normal x.
public func preciseLog(_ x: Double) -> lanes_pair {
  switch instructionSet() {
  #if NEPIT_WIDE_KERNELS
    case 4: NepitKernelsV4.evaluateLog(x)
    case 3: NepitKernelsV3.evaluateLog(x)
  #endif
  default: NepitKernels.evaluateLog(x)
  }
}
