// The module's few entries. Each is compiled once for this module's
// instruction set; @export(interface) keeps other modules from emitting it again.

import CSystem

/// Adds up `count` elements of a row, or of two.
///
/// A row in one piece passes no carry; one in several passes the same zeroed carry with each, every piece but the
/// last a multiple of 64 elements long. `out` is written with the last.
@export(interface)
public func reduce(
  _ reduction: lanes_reduction, _ element: lanes_element, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_parameters>, _ carry: UnsafeMutablePointer<lanes_carry>?, _ isLast: Bool,
  _ out: UnsafeMutablePointer<lanes_sums>
) {
  // Not a variable, which would be filled with zeros first.
  withUnsafeTemporaryAllocation(of: lanes_room.self, capacity: 1) { room in
    reduce(reduction, element, p, q, count, parameters, carry, isLast, room.baseAddress!, out)
  }
}

@inline(__always)
private func reduce(
  _ reduction: lanes_reduction, _ element: lanes_element, _ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_parameters>, _ carry: UnsafeMutablePointer<lanes_carry>?, _ isLast: Bool,
  _ room: Room, _ out: UnsafeMutablePointer<lanes_sums>
) {
  @inline(__always)
  func run<R: Reduction>(_ type: R.Type) {
    let reduction = R(parameters.pointee)
    switch element {
    case .double: reduce(reduction, Double.self, p, q, count, carry, isLast, room, out)
    case .float: reduce(reduction, Float.self, p, q, count, carry, isLast, room, out)
    @unknown default: break
    }
  }
  @inline(__always)
  func runFast<R: FloatReduction>(_ type: R.Type) {
    let reduction = R(parameters.pointee)
    switch element {
    case .double: reduce(reduction, Double.self, p, q, count, carry, isLast, room, out)
    case .float: reduceFloats(reduction, p, q, count, carry, isLast, room, out)
    @unknown default: break
    }
  }
  switch reduction {
  case .scan: run(Scan.self)
  case .pair_scan: run(PairScan.self)
  case .entropy: runFast(EntropyTerms.self)
  case .cross_entropy: runFast(CrossEntropyTerms.self)
  case .surprisal: run(SurprisalTerms.self)
  case .kl_first: runFast(DifferenceSum<KullbackLeibler<AsGiven>>.self)
  case .kl: run(DifferenceSum<KullbackLeibler<Normalized>>.self)
  case .jeffreys_first: run(DifferenceSum<Jeffreys<AsGiven>>.self)
  case .jeffreys: run(DifferenceSum<Jeffreys<Normalized>>.self)
  case .jensen_shannon_first: runFast(DifferenceSum<JensenShannon>.self)
  case .jensen_shannon: run(JensenShannonHalves.self)
  case .hellinger: run(HellingerTerms.self)
  case .total_variation: run(TotalVariation.self)
  case .chi_squared: run(DifferenceSum<ChiSquared>.self)
  case .stability: run(Stability.self)
  case .power: run(PowerTerms.self)
  case .ratio: run(RatioScan.self)
  case .renyi: run(RenyiTerms.self)
  case .floor: run(FloorTerms.self)
  @unknown default: break
  }
}

#if NEPIT_WIDE
/// As `reduce`, of 16 rows side by side: `p` and `q` are their first elements, `step` bytes before the next ones; where
/// `shares` says so it is one row for all. `out` has 16 sums. Only reductions that read first, of at most three sums.
@export(interface)
public func reduceColumns(
  _ reduction: lanes_reduction, _ element: lanes_element, _ p: UnsafeRawPointer, step pStep: Int, shares sharesP: Bool,
  _ q: UnsafeRawPointer, step qStep: Int, shares sharesQ: Bool, _ count: Int,
  _ parameters: UnsafePointer<lanes_parameters>, _ slots: UnsafeMutablePointer<lanes_slots>,
  _ out: UnsafeMutablePointer<lanes_sums>
) {
  let p = Columns(data: p, step: pStep, isShared: sharesP), q = Columns(data: q, step: qStep, isShared: sharesQ)
  @inline(__always)
  func run<R: Reduction>(_ type: R.Type) {
    let reduction = R(parameters.pointee)
    switch element {
    case .double: reduceColumns(reduction, Double.self, p, q, count, slots, out)
    case .float: reduceColumns(reduction, Float.self, p, q, count, slots, out)
    @unknown default: break
    }
  }
  @inline(__always)
  func runFast<R: FloatReduction>(_ type: R.Type) {
    let reduction = R(parameters.pointee)
    switch element {
    case .double: reduceColumns(reduction, Double.self, p, q, count, slots, out)
    case .float: reduceFloatColumns(reduction, p, q, count, slots, out)
    @unknown default: break
    }
  }
  switch reduction {
  case .entropy: runFast(EntropyTerms.self)
  case .cross_entropy: runFast(CrossEntropyTerms.self)
  case .kl_first: runFast(DifferenceSum<KullbackLeibler<AsGiven>>.self)
  case .jeffreys_first: run(DifferenceSum<Jeffreys<AsGiven>>.self)
  case .jensen_shannon_first: runFast(DifferenceSum<JensenShannon>.self)
  default: break
  }
}
#endif

/// Computes `count` elements of one or two outputs from one or two inputs; none may overlap.
@export(interface)
public func map(
  _ map: lanes_map, _ p: UnsafePointer<Double>, _ q: UnsafePointer<Double>, _ count: Int,
  _ parameters: UnsafePointer<lanes_parameters>, _ first: UnsafeMutablePointer<Double>,
  _ second: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func run<M: ElementMap>(_ type: M.Type) {
    let map = M(parameters.pointee)
    var done = 0
    while count &- done >= laneCount {
      let (x, y) = map(lanes_load(p + done), lanes_load(q + done))
      // + 0 makes 0 of -0.
      lanes_store(first + done, x + 0)
      lanes_store(second + done, y + 0)
      done &+= laneCount
    }
    let left = count &- done
    guard left > 0 else { return }
    var (x, y) = map(lanes_load_part(p + done, Int64(left)), lanes_load_part(q + done, Int64(left)))
    x += 0
    y += 0
    withUnsafePointer(to: &x) { _ = memcpy(first + done, $0, left &* 8) }
    withUnsafePointer(to: &y) { _ = memcpy(second + done, $0, left &* 8) }
  }
  switch map {
  case .entr: run(Entr.self)
  case .rel_entr: run(RelEntr.self)
  case .kl_div: run(KLDiv.self)
  case .binary_entropy: run(BinaryEntropy.self)
  case .entropy_gradient: run(EntropyGradient.self)
  case .cross_entropy_gradient: run(CrossEntropyGradient.self)
  case .kl_gradient: run(KLGradient.self)
  case .jeffreys_gradient: run(JeffreysGradient.self)
  case .jensen_shannon_gradient: run(JensenShannonGradient.self)
  case .hellinger_gradient: run(HellingerGradient.self)
  case .renyi_entropy_gradient: run(RenyiEntropyGradient.self)
  case .min_entropy_gradient: run(MinEntropyGradient.self)
  case .renyi_divergence_gradient: run(RenyiDivergenceGradient.self)
  case .smooth_additive: run(SmoothAdditive.self)
  case .smooth_mix: run(SmoothMix.self)
  case .smooth_uniform: run(SmoothUniform.self)
  case .smooth_floor: run(SmoothFloor.self)
  @unknown default: break
  }
}

/// A group's part of the generalised Jensen–Shannon divergence over `count` <= 64 outcomes.
///
/// `weights` holds 64 doubles a member, zeros behind the last outcome. The members' differences from their mean come from their differences from
/// the first, so that nothing cancels where all nearly agree. The sum goes into the carry; `out.a` with the last.
@export(interface)
public func mixtureDivergence(
  _ weights: UnsafePointer<Double>, _ members: UnsafePointer<lanes_member>, _ memberCount: Int, _ count: Int,
  _ carry: UnsafeMutablePointer<lanes_carry>, _ isLast: Bool, _ out: UnsafeMutablePointer<lanes_sums>
) {
  let reference = members[0]
  let words = UnsafeMutableRawPointer(carry).assumingMemoryBound(to: Double.self)
  var high = lanes_load_eight(words), low = lanes_load_eight(words + 8)
  let memberCount = max(0, memberCount)
  var vector = 0
  while vector < count {
    let base = lanes_load(weights + vector)
    var mean = Lanes.zero, shift = Lanes.zero
    for index in 0..<memberCount {
      let member = members[index]
      let row = lanes_load(weights + (index &* 64 &+ vector))
      mean = fma(row * member.scale / member.total.high, member.weight, mean)
      shift = fma(change(from: base, reference, to: row, member), member.weight, shift)
    }
    var sum = Lanes.zero
    for index in 0..<memberCount {
      let member = members[index]
      let row = lanes_load(weights + (index &* 64 &+ vector))
      let own = change(from: base, reference, to: row, member)
      let term = divergenceTerm(row * member.scale / member.total.high, mean, shift - own, fine: true)
      sum = fma(term, member.weight, sum)
    }
    compensate(lanes_first(sum), &high, &low)
    if laneCount == 16 { compensate(lanes_second(sum), &high, &low) }
    vector &+= laneCount
  }
  if isLast {
    out.pointee.a = lanes_total(high, low)
  } else {
    lanes_store_eight(words, high)
    lanes_store_eight(words + 8, low)
  }
}

/// row / its total - base / its total, to full relative accuracy.
@inline(__always)
private func change(
  from base: Lanes, _ reference: lanes_member, to row: Lanes, _ member: lanes_member
) -> Lanes {
  var parameters = lanes_parameters()
  (parameters.scale_p, parameters.total_p) = (reference.scale, reference.total)
  (parameters.scale_q, parameters.total_q) = (member.scale, member.total)
  return Normalized(parameters)(base, row).d / (reference.total.high * member.total.high)
}

/// A function of one number, with the bits the kernels get.
@export(interface)
public func evaluate(_ function: lanes_function, _ x: Double) -> Double {
  let lanes = Lanes(repeating: x)
  switch function {
  case .log: return log(lanes)[0]
  case .log1p: return x >= -1 ? log1p(lanes)[0] : .nan
  case .exp: return x.isNaN ? x : Exponential(lanes).value[0]
  case .expm1: return x.isNaN ? x : Exponential(lanes).lessOne[0]
  case .excess: return divergenceTerm(Lanes(repeating: 1), lanes + 1, lanes, fine: true)[0]
  @unknown default: return .nan
  }
}

/// log x in two words, for normal x.
@export(interface)
public func evaluateLog(_ x: Double) -> lanes_pair {
  let (high, low) = preciseLog(Lanes(repeating: x))
  return lanes_pair(high: high[0], low: low[0])
}

/// log(1 + x) for x > -1.
@inline(__always)
private func log1p(_ x: Lanes) -> Lanes {
  let one = Lanes(repeating: 1)
  let value = Ratio(x + 1, over: one, difference: x, fine: true).logarithm
  return select(x .== -1, -Double.infinity, select(x .>= 0x1p300, log(x), value))
}
