// Exponentials of a row of logits: their greatest, the sum of e^((x - M) / T), and
// what is made of each. docs/numerics.md derives them.
//
// Floats are computed in float lanes. The difference x - M, rounded to float, would
// cost up to |x - M| / ln 2 units of the last place of its exponential; so x itself is
// taken apart, x / T = k ln 2 + r, and the term is 2^(k - K) e^r, which loses nothing.

import CSystem

/// e^((x - shift) / T) / 2^exponent in float lanes; 0 below the floor, NaN at NaN.
struct FloatTerm {
  private let shift, floor, scale, high, low, inverse: FloatLanes
  private let bias: FloatBits
  private let greatest, farthest: FloatLanes

  @inline(__always)
  init(_ parameters: borrowing lanes_softmax) {
    let temperature = parameters.temperature, step = temperature * ln2
    shift = FloatLanes(repeating: Float(parameters.shift))
    // Where k - K is -127 the power's bits are 0. Sums so small are computed in double instead.
    floor = FloatLanes(repeating: Float((parameters.exponent - 127) * step))
    scale = FloatLanes(repeating: Float(0x1.71547652b82fep+0 / temperature))
    let top = Float(step)
    high = FloatLanes(repeating: -top)
    low = FloatLanes(repeating: Float(Double(top) - step))
    inverse = FloatLanes(repeating: Float(1 / temperature))
    // A whole number below 2^51: its low bits, which `Int` would have by a trap for others.
    let exponent = Int32(truncatingIfNeeded: (parameters.exponent + 0x1.8p52).bitPattern)
    bias = FloatBits(repeating: 0x4b40_0000 &+ exponent &- 127)
    greatest = FloatLanes(repeating: Float(parameters.greatest))
    farthest = FloatLanes(repeating: Float(-128 * temperature))
  }

  @_transparent
  func callAsFunction(_ x: FloatLanes) -> FloatLanes {
    // (A comparison with NaN is false, which keeps it.)
    let difference = x - shift
    let y = difference.replacing(with: floor, where: floor .> difference)
    let shifted = lanes_fma_f32(y, scale, FloatLanes(repeating: 0x1.8p23))
    let k = shifted - 0x1.8p23
    let r = lanes_fma_f32(k, low, lanes_fma_f32(k, high, y)) * inverse
    let whole = unsafeBitCast(shifted, to: FloatBits.self) &- bias
    let power = unsafeBitCast(whole &<< FloatBits(repeating: 23), to: FloatLanes.self)
    let s = r * r
    let e01 = lanes_fma_f32(r, FloatLanes(repeating: 0x1.5554dcp-3), FloatLanes(repeating: 0x1p-1))
    let e23 = lanes_fma_f32(r, FloatLanes(repeating: 0x1.120cp-7), FloatLanes(repeating: 0x1.555518p-5))
    let e234 = lanes_fma_f32(s, FloatLanes(repeating: 0x1.6d119ap-10), e23)
    let bent = lanes_fma_f32(s, e234, e01)
    return (lanes_fma_f32(s, bent, r) + 1) * power
  }

  /// (x - M) / T, but no farther than where terms are 0.
  @_transparent
  func distance(_ x: FloatLanes) -> FloatLanes {
    let difference = x - greatest
    return difference.replacing(with: farthest, where: farthest .> difference) * inverse
  }
}

/// e^((x - M) / T) in double lanes, the difference in two words: rounded to one, it would cost a distance of 700 nine
/// bits of its exponential.
struct DoubleTerm {
  var greatest: Lanes
  private let temperature: Lanes
  private let isTempered: Bool

  @inline(__always)
  init(_ parameters: borrowing lanes_softmax) {
    self.init(from: parameters.greatest, temperature: parameters.temperature)
  }

  @inline(__always)
  init(from greatest: Double, temperature: Double) {
    self.greatest = Lanes(repeating: greatest)
    self.temperature = Lanes(repeating: temperature)
    isTempered = temperature != 1
  }

  #if NEPIT_WIDE
    @_transparent
  #else
    @inline(never)
  #endif
  func callAsFunction(_ x: Lanes) -> (term: Lanes, distance: Lanes) {
    var d = x - greatest
    let part = d - x
    var low = (x - (d - part)) - (greatest + part)
    if isTempered {
      let quotient = d / temperature
      low = (fma(0 - quotient, temperature, d) + low) / temperature
      d = quotient
    }
    // (NaN stays NaN: the exponential by itself would make a number of it.)
    let value = Exponential(d, low: low).value + (x - x)
    return (select(d .< -746, 0, value), d)
  }
}

/// The greatest of `count` elements; -infinity if there is none. NaN is passed over.
@export(interface)
public func greatestLogit(_ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int) -> Double {
  switch element {
  case .double:
    var best = Lanes(repeating: -.infinity), done = 0
    let data = x.assumingMemoryBound(to: Double.self)
    while count &- done >= laneCount {
      best = greater(best, lanes_load(data + done))
      done &+= laneCount
    }
    var top = -Double.infinity
    for lane in 0..<laneCount where best[lane] > top { top = best[lane] }
    while done < count {
      if data[done] > top { top = data[done] }
      done &+= 1
    }
    return top
  case .float:
    var a = FloatLanes(repeating: -.infinity), b = a, c = a, d = a
    var done = 0
    let data = x.assumingMemoryBound(to: Float.self)
    while count &- done >= 64 {
      a = greaterFloat(a, lanes_load_f32(data + done))
      b = greaterFloat(b, lanes_load_f32(data + (done &+ 16)))
      c = greaterFloat(c, lanes_load_f32(data + (done &+ 32)))
      d = greaterFloat(d, lanes_load_f32(data + (done &+ 48)))
      done &+= 64
    }
    while count &- done >= 16 {
      a = greaterFloat(a, lanes_load_f32(data + done))
      done &+= 16
    }
    a = greaterFloat(greaterFloat(a, b), greaterFloat(c, d))
    var top = -Float.infinity
    for lane in 0..<16 where a[lane] > top { top = a[lane] }
    while done < count {
      if data[done] > top { top = data[done] }
      done &+= 1
    }
    return Double(top)
  @unknown default: return .nan
  }
}

@inline(__always)
private func greaterFloat(_ best: FloatLanes, _ x: FloatLanes) -> FloatLanes {
  best.replacing(with: x, where: x .> best)
}

/// The first of `count` elements that equals `value`; `count` if none does.
@export(interface)
public func placeOfLogit(_ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ value: Double) -> Int {
  var done = 0
  switch element {
  case .double:
    let data = x.assumingMemoryBound(to: Double.self)
    while done < count, data[done] != value { done &+= 1 }
  case .float:
    let data = x.assumingMemoryBound(to: Float.self)
    let wanted = Float(value), all = FloatLanes(repeating: wanted)
    // Whole vectors without it are passed by: their differences from it have no zero.
    while count &- done >= 16 {
      let found = FloatBits.zero.replacing(with: FloatBits(repeating: 1), where: lanes_load_f32(data + done) .== all)
      if isAny(found) { break }
      done &+= 16
    }
    while done < count, data[done] != wanted { done &+= 1 }
  @unknown default: break
  }
  return done
}

@inline(__always)
private func isAny(_ x: FloatBits) -> Bool {
  let half = x.lowHalf | x.highHalf, quarter = half.lowHalf | half.highHalf
  let pair = quarter.lowHalf | quarter.highHalf
  return pair[0] | pair[1] != 0
}

/// Adds up the terms of `count` elements but that at `skip`, into the carry's lanes; with `spread`, times (M - x) / T
/// as well. Pieces but the last are a multiple of 64 long.
@export(interface)
public func addTerms(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ skip: Int, _ spread: Bool,
  _ parameters: UnsafePointer<lanes_softmax>, _ carry: UnsafeMutablePointer<lanes_softmax_carry>
) {
  switch element {
  case .double:
    let term = DoubleTerm(parameters.pointee)
    if spread { addDoubles(term, x, count, skip, true, carry) } else { addDoubles(term, x, count, skip, false, carry) }
  case .float:
    let term = FloatTerm(parameters.pointee)
    if spread { addFloats(term, x, count, skip, true, carry) } else { addFloats(term, x, count, skip, false, carry) }
  @unknown default: break
  }
}

@inline(__always)
private func addFloats(
  _ term: FloatTerm, _ x: UnsafeRawPointer, _ count: Int, _ skip: Int, _ spread: Bool,
  _ carry: UnsafeMutablePointer<lanes_softmax_carry>
) {
  let words = UnsafeMutableRawPointer(carry).assumingMemoryBound(to: Double.self)
  var sum = lanes_load_eight(words), wide = lanes_load_eight(words + 16)
  let data = x.assumingMemoryBound(to: Float.self)
  let special = skip < 0 ? count : skip & ~63
  var done = 0
  var buffer = (
    FloatLanes(repeating: -.infinity), FloatLanes(repeating: -.infinity), FloatLanes(repeating: -.infinity),
    FloatLanes(repeating: -.infinity)
  )
  withUnsafeMutableBytes(of: &buffer) { buffer in
    let copy = buffer.baseAddress!.assumingMemoryBound(to: Float.self)
    while done < count {
      var from = data + done
      let left = count &- done
      // What is left out, and what lies behind the end, is -infinity, whose term is 0.
      if left < 64 || done == special {
        for lane in 0..<64 { copy[lane] = lane < left && done &+ lane != skip ? from[lane] : -.infinity }
        from = UnsafePointer(copy)
      }
      lanes_prefetch(from + 4096)
      lanes_prefetch(from + 4112)
      lanes_prefetch(from + 4128)
      lanes_prefetch(from + 4144)
      let a = lanes_load_f32(from), b = lanes_load_f32(from + 16)
      let c = lanes_load_f32(from + 32), d = lanes_load_f32(from + 48)
      let ea = term(a), eb = term(b), ec = term(c), ed = term(d)
      sum += lanes_fold_f32(ea + eb) + lanes_fold_f32(ec + ed)
      if spread {
        let ab = ea * term.distance(a) + eb * term.distance(b), cd = ec * term.distance(c) + ed * term.distance(d)
        wide -= lanes_fold_f32(ab) + lanes_fold_f32(cd)
      }
      done &+= 64
    }
  }
  lanes_store_eight(words, sum)
  lanes_store_eight(words + 16, wide)
}

@inline(__always)
private func addDoubles(
  _ term: DoubleTerm, _ x: UnsafeRawPointer, _ count: Int, _ skip: Int, _ spread: Bool,
  _ carry: UnsafeMutablePointer<lanes_softmax_carry>
) {
  let words = UnsafeMutableRawPointer(carry).assumingMemoryBound(to: Double.self)
  var high = lanes_load_eight(words), low = lanes_load_eight(words + 8)
  var wideHigh = lanes_load_eight(words + 16), wideLow = lanes_load_eight(words + 24)
  let data = x.assumingMemoryBound(to: Double.self)
  var done = 0
  var buffer = Lanes(repeating: -.infinity)
  withUnsafeMutableBytes(of: &buffer) { buffer in
    let copy = buffer.baseAddress!.assumingMemoryBound(to: Double.self)
    while done < count {
      var from = data + done
      let left = count &- done
      if left < laneCount || (skip >= done && skip < done &+ laneCount) {
        for lane in 0..<laneCount { copy[lane] = lane < left && done &+ lane != skip ? from[lane] : -.infinity }
        from = UnsafePointer(copy)
      }
      let (e, distance) = term(lanes_load(from))
      compensate(lanes_first(e), &high, &low)
      if laneCount == 16 { compensate(lanes_second(e), &high, &low) }
      if spread {
        let part = select(e .== 0, 0, 0 - e * distance)
        compensate(lanes_first(part), &wideHigh, &wideLow)
        if laneCount == 16 { compensate(lanes_second(part), &wideHigh, &wideLow) }
      }
      done &+= laneCount
    }
  }
  lanes_store_eight(words, high)
  lanes_store_eight(words + 8, low)
  lanes_store_eight(words + 16, wideHigh)
  lanes_store_eight(words + 24, wideLow)
}

/// term (factor + slope (x - M) / T) - offset of each element; `out` may be `x`.
@export(interface)
public func writeTerms(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ parameters: UnsafePointer<lanes_softmax>,
  _ out: UnsafeMutableRawPointer
) {
  switch element {
  case .double:
    writeDoubles(
      parameters, x.assumingMemoryBound(to: Double.self), count, out.assumingMemoryBound(to: Double.self))
  case .float:
    writeFloats(parameters, x.assumingMemoryBound(to: Float.self), count, out.assumingMemoryBound(to: Float.self))
  @unknown default: break
  }
}

// (One function would be so long that its vectors are taken apart into lanes.)

@inline(never)
private func writeDoubles(
  _ parameters: UnsafePointer<lanes_softmax>, _ data: UnsafePointer<Double>, _ count: Int,
  _ out: UnsafeMutablePointer<Double>
) {
  let term = DoubleTerm(parameters.pointee)
  let (factor, slope, offset) = (parameters.pointee.factor, parameters.pointee.slope, parameters.pointee.offset)
  var done = 0
  while done < count {
    let left = min(laneCount, count &- done)
    let (e, distance) = term(left == laneCount ? lanes_load(data + done) : Double.loadPart(data + done, left))
    var value = e * factor
    if slope != 0 { value = select(e .== 0, 0, fma(e * distance, slope, value)) }
    value = value - offset + 0
    if left == laneCount {
      lanes_store(out + done, value)
    } else {
      withUnsafeBytes(of: &value) { _ = memcpy(out + done, $0.baseAddress.unsafelyUnwrapped, left &* 8) }
    }
    done &+= laneCount
  }
}

@inline(never)
private func writeFloats(
  _ parameters: UnsafePointer<lanes_softmax>, _ data: UnsafePointer<Float>, _ count: Int,
  _ out: UnsafeMutablePointer<Float>
) {
  let term = FloatTerm(parameters.pointee)
  let factor = Float(parameters.pointee.factor), slope = Float(parameters.pointee.slope)
  let offset = Float(parameters.pointee.offset)
  if slope == 0 {
    writeFloats(FloatOutput(term: term, factor: factor, slope: 0, offset: offset), false, data, count, out)
  } else {
    writeFloats(FloatOutput(term: term, factor: factor, slope: slope, offset: offset), true, data, count, out)
  }
}

/// (x - M) / T - factor of each element: log-probabilities, where factor is log of the sum of terms.
@export(interface)
public func writeDistances(
  _ element: lanes_element, _ x: UnsafeRawPointer, _ count: Int, _ parameters: UnsafePointer<lanes_softmax>,
  _ out: UnsafeMutableRawPointer
) {
  let (greatest, temperature) = (parameters.pointee.greatest, parameters.pointee.temperature)
  let factor = parameters.pointee.factor
  // In double for floats too: a float's difference from the greatest would be rounded twice.
  var done = 0
  while done < count {
    let left = min(laneCount, count &- done)
    switch element {
    case .double:
      let data = x.assumingMemoryBound(to: Double.self), out = out.assumingMemoryBound(to: Double.self)
      var value = (Double.loadPart(data + done, left) - greatest) / temperature - factor + 0
      withUnsafeBytes(of: &value) { _ = memcpy(out + done, $0.baseAddress.unsafelyUnwrapped, left &* 8) }
    case .float:
      let data = x.assumingMemoryBound(to: Float.self), out = out.assumingMemoryBound(to: Float.self)
      var value = (Float.loadPart(data + done, left) - greatest) / temperature - factor + 0
      withUnsafeBytes(of: &value) { words in
        let words = words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
        for lane in 0..<laneCount where lane < left { out[done &+ lane] = Float(words[lane]) }
      }
    @unknown default: break
    }
    done &+= laneCount
  }
}

private struct FloatOutput {
  let term: FloatTerm
  let factor, slope, offset: Float

  @_transparent
  func callAsFunction(_ x: FloatLanes, _ isSloped: Bool) -> FloatLanes {
    let e = term(x)
    if !isSloped { return e * factor - offset + 0 }
    return lanes_fma_f32(e * term.distance(x), FloatLanes(repeating: slope), e * factor) - offset + 0
  }
}

@_transparent
private func writeFloats(
  _ body: FloatOutput, _ isSloped: Bool, _ data: UnsafePointer<Float>, _ count: Int, _ out: UnsafeMutablePointer<Float>
) {
  var done = 0
  while count &- done >= 32 {
    let a = body(lanes_load_f32(data + done), isSloped), b = body(lanes_load_f32(data + (done &+ 16)), isSloped)
    lanes_store_f32(out + done, a)
    lanes_store_f32(out + (done &+ 16), b)
    done &+= 32
  }
  while done < count {
    let left = min(16, count &- done)
    var part = FloatLanes.zero
    withUnsafeMutableBytes(of: &part) { _ = memcpy($0.baseAddress.unsafelyUnwrapped, data + done, left &* 4) }
    part = body(part, isSloped)
    withUnsafeBytes(of: &part) { _ = memcpy(out + done, $0.baseAddress.unsafelyUnwrapped, left &* 4) }
    done &+= 16
  }
}

/// 16 short rows side by side: their greatest, the sum of the others' terms; the words become terms.
@export(interface)
public func narrowSoftmax(_ rows: UnsafeMutablePointer<lanes_narrow>, _ columns: Int, _ temperature: Double) {
  let base = UnsafeMutableRawPointer(rows).assumingMemoryBound(to: Double.self)
  let fields = base + 1024
  var lane = 0
  while lane < 16 {
    let words = base + lane
    let label = lanes_load(fields + lane)
    var best = lanes_load(words), place = Lanes.zero, chosen = Lanes.zero
    var bad = Lanes.zero
    var column = 0
    while column < columns {
      let x = lanes_load(words + column &* 16)
      let isGreater = x .> best
      best = select(isGreater, x, best)
      place = select(isGreater, Lanes(repeating: Double(column)), place)
      chosen = select(label .== Double(column), x, chosen)
      bad = select(x .!= x, x, bad)
      column &+= 1
    }
    var parameters = lanes_softmax()
    parameters.temperature = temperature
    var term = DoubleTerm(parameters)
    term.greatest = best
    var sum = Lanes.zero
    column = 0
    while column < columns {
      let e = term(lanes_load(words + column &* 16)).term
      sum = sum + select(place .== Double(column), 0, e)
      lanes_store(words + column &* 16, e)
      column &+= 1
    }
    // A first element that is NaN is never exceeded, and an infinite greatest gives NaN terms.
    sum = sum + select(bad .!= bad, bad, .zero)
    let one = Lanes(repeating: 1)
    lanes_store(fields + (16 &+ lane), best)
    lanes_store(fields + (32 &+ lane), place)
    lanes_store(fields + (48 &+ lane), sum)
    lanes_store(fields + (64 &+ lane), Ratio(sum + 1, over: one, difference: sum, fine: true).logarithm)
    lanes_store(fields + (80 &+ lane), chosen)
    lane &+= laneCount
  }
}

/// 16-bit floats to floats.
@export(interface)
public func widenHalves(
  _ isBrain: Bool, _ x: UnsafePointer<UInt16>, _ count: Int, _ out: UnsafeMutablePointer<Float>
) {
  var done = 0
  while count &- done >= 16 {
    lanes_store_f32(out + done, isBrain ? lanes_widen_bfloat(x + done) : lanes_widen_half(x + done))
    done &+= 16
  }
  while done < count {
    out[done] = Float(isBrain ? lanes_from_bfloat(x[done]) : lanes_from_half(x[done]))
    done &+= 1
  }
}

/// Floats to 16-bit floats, to nearest even.
@export(interface)
public func narrowFloats(
  _ isBrain: Bool, _ x: UnsafePointer<Float>, _ count: Int, _ out: UnsafeMutablePointer<UInt16>
) {
  var done = 0
  while count &- done >= 16 {
    if isBrain { lanes_narrow_bfloat(lanes_load_f32(x + done), out + done) } else {
      lanes_narrow_half(lanes_load_f32(x + done), out + done)
    }
    done &+= 16
  }
  while done < count {
    out[done] = isBrain ? lanes_to_bfloat(Double(x[done])) : lanes_to_half(Double(x[done]))
    done &+= 1
  }
}
