// A row of logits with a number for each of them: targets, or a gradient by what
// is made of the logits.

import CSystem

/// What a logit's term e = e^((x - M) / T), its distance (x - M) / T and its number w add to two sums.
protocol WeightedTerms {
  init(_ parameters: borrowing lanes_weighting)
  func callAsFunction(_ term: Lanes, _ distance: Lanes, _ weight: Lanes) -> (Lanes, Lanes)
}

/// w, NaN where it is negative, and w times the distance from the greatest.
struct TargetTerms: WeightedTerms {
  @inline(__always)
  init(_ parameters: borrowing lanes_weighting) {}

  @_transparent
  func callAsFunction(_ term: Lanes, _ distance: Lanes, _ weight: Lanes) -> (Lanes, Lanes) {
    (select(weight .< 0, Double.nan, weight), select(weight .== 0, 0, 0 - weight * distance))
  }
}

/// w, and e times what w is above a reference.
struct UpstreamTerms: WeightedTerms {
  private let reference: Double

  @inline(__always)
  init(_ parameters: borrowing lanes_weighting) { reference = parameters.reference }

  @_transparent
  func callAsFunction(_ term: Lanes, _ distance: Lanes, _ weight: Lanes) -> (Lanes, Lanes) {
    (weight, select(term .== 0, 0, term * (weight - reference)))
  }
}

/// Adds up the terms of `count` elements but that at `skip`, where there is one.
@export(interface)
public func addWeighted(
  _ kind: lanes_weighting_kind, _ element: lanes_element, _ x: UnsafeRawPointer, _ weights: UnsafeRawPointer,
  _ count: Int, _ skip: Int, _ parameters: UnsafePointer<lanes_weighting>,
  _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  @inline(__always)
  func run<W: WeightedTerms>(_ type: W.Type) {
    switch element {
    case .double: add(type, Double.self, x, weights, count, skip, parameters, sums)
    case .float: add(type, Float.self, x, weights, count, skip, parameters, sums)
    @unknown default: break
    }
  }
  switch kind {
  case .targets: run(TargetTerms.self)
  case .upstream: run(UpstreamTerms.self)
  @unknown default: break
  }
}

@inline(never)
private func add<W: WeightedTerms, E: Element>(
  _ kind: W.Type, _ element: E.Type, _ x: UnsafeRawPointer, _ weights: UnsafeRawPointer, _ count: Int, _ skip: Int,
  _ parameters: UnsafePointer<lanes_weighting>, _ sums: UnsafeMutablePointer<lanes_logit_sums>
) {
  let weighted = W(parameters.pointee)
  let read = DoubleTerm(from: parameters.pointee.greatest, temperature: parameters.pointee.temperature)
  var a = LaneSum<E>(), b = LaneSum<E>()
  var done = 0
  while done < count {
    let left = count &- done
    var logits = loadLogits(x + done &* E.stride, left, element)
    var weight = loadNumbers(weights + done &* E.stride, left, element)
    if skip >= done, skip < done &+ laneCount {
      logits = logits.replacing(-.infinity, at: skip &- done)
      weight = weight.replacing(0, at: skip &- done)
    }
    let (term, distance) = read(logits)
    let terms = weighted(term, distance, weight)
    a.add(terms.0)
    b.add(terms.1)
    done &+= laneCount
  }
  a.collect(0, sums)
  b.collect(1, sums)
}

extension Lanes {
  /// Another number in one of the lanes.
  @inline(__always)
  fileprivate func replacing(_ x: Double, at lane: Int) -> Lanes {
    var copy = self
    withUnsafeMutableBytes(of: &copy) {
      $0.baseAddress.unsafelyUnwrapped.storeBytes(of: x, toByteOffset: lane &* 8, as: Double.self)
    }
    return copy
  }
}

/// As many elements as there are lanes, 0 for those that are missing.
@inline(__always)
private func loadNumbers<E: Element>(_ data: UnsafeRawPointer, _ left: Int, _ element: E.Type) -> Lanes {
  left >= laneCount ? E.load(data) : E.loadPart(data, left)
}

/// Writes e (factor + slope (w - reference)) + rest w of each element; `out` may be `x` or `weights`.
@export(interface)
public func writeWeighted(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ weights: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_weighting>, _ out: UnsafeMutableRawPointer
) {
  switch element {
  case .double: write(Double.self, x, weights, count, parameters, out)
  case .float: write(Float.self, x, weights, count, parameters, out)
  @unknown default: break
  }
}

@inline(never)
private func write<E: Element>(
  _ element: E.Type, _ x: UnsafeRawPointer, _ weights: UnsafeRawPointer, _ count: Int,
  _ parameters: UnsafePointer<lanes_weighting>, _ out: UnsafeMutableRawPointer
) {
  let read = DoubleTerm(from: parameters.pointee.greatest, temperature: parameters.pointee.temperature)
  let (factor, slope, rest) = (parameters.pointee.factor, parameters.pointee.slope, parameters.pointee.rest)
  let reference = parameters.pointee.reference
  var done = 0
  while done < count {
    let left = count &- done
    let term = read(loadLogits(x + done &* E.stride, left, element)).term
    let weight = loadNumbers(weights + done &* E.stride, left, element)
    let scaled = select(term .== 0, 0, term * (factor + slope * (weight - reference)))
    store(scaled + rest * weight + 0, out + done &* E.stride, left, element)
    done &+= laneCount
  }
}
