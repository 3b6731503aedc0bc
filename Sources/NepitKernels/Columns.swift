// Sums over 16 rows that lie side by side, their elements far apart: columns of
// a row-major matrix. A vector holds an element of each of several rows, and what
// a row's own loop keeps in lanes is kept here in slots of memory: the same
// numbers meet in the same order, so the sums are the same bits. (The baseline,
// whose time goes into its multiply-adds, does without.)

#if NEPIT_WIDE
import CSystem

/// How many rows are added up together.
private let together = 16

/// Where the elements of rows side by side lie.
struct Columns {
  let data: UnsafeRawPointer
  /// From an element of a row to the next, in bytes.
  let step: Int
  /// Whether it is one row that serves them all.
  let isShared: Bool

  @_transparent
  func load<E: Element>(_ index: Int, _ column: Int, _ element: E.Type) -> Lanes {
    let place = data + index &* step
    return isShared ? E.repeated(place) : E.load(place + column &* E.stride)
  }

  @_transparent
  func loadFloats(_ index: Int) -> FloatLanes {
    let place = (data + index &* step).assumingMemoryBound(to: Float.self)
    return isShared ? FloatLanes(repeating: place.pointee) : lanes_load_f32(place)
  }

  /// Asks for `bytes` that will be read later, a multiple of 64 that may lie across one line more: no processor would
  /// guess them.
  @_transparent
  func prefetch(_ index: Int, _ start: Int, _ bytes: Int) {
    if isShared { return }
    let place = data + (index &* step &+ start)
    lanes_prefetch(place)
    if bytes > 64 { lanes_prefetch(place + 64) }
    lanes_prefetch(place + (bytes &- 1))
  }
}

/// Three sums of the rows together, each in 32 slots of a number a row: 0 ..< 16 hold the present block's, 16 ..< 24 and
/// 24 ..< 32 the high and low words of all.
private struct Slots {
  let memory: UnsafeMutablePointer<Double>

  init(_ memory: UnsafeMutablePointer<lanes_slots>) {
    self.memory = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Double.self)
  }

  @_transparent
  func place(_ sum: Int, _ slot: Int, _ column: Int) -> UnsafeMutablePointer<Double> {
    memory + ((sum &* 32 &+ slot) &* together &+ column)
  }

  @_transparent
  func floats(_ sum: Int, _ slot: Int) -> UnsafeMutablePointer<Float> {
    UnsafeMutableRawPointer(place(sum, slot, 0)).assumingMemoryBound(to: Float.self)
  }

  @_transparent
  func add(_ x: Lanes, _ sum: Int, _ slot: Int, _ column: Int) {
    let place = place(sum, slot, column)
    lanes_store(place, lanes_load(place) + x)
  }

  /// Adds a block's numbers to all, lane by lane, and clears them.
  @inline(__always)
  func closeBlock(_ sum: Int, _ column: Int) {
    for lane in 0..<8 {
      let even = place(sum, lane, column), odd = place(sum, 8 &+ lane, column)
      let highPlace = place(sum, 16 &+ lane, column), lowPlace = place(sum, 24 &+ lane, column)
      var high = lanes_load(highPlace), low = lanes_load(lowPlace)
      compensate(lanes_load(even) + lanes_load(odd), &high, &low)
      lanes_store(highPlace, high)
      lanes_store(lowPlace, low)
      lanes_store(even, .zero)
      lanes_store(odd, .zero)
    }
  }

  @inline(__always)
  func closeFloatBlock(_ sum: Int) {
    for lane in 0..<8 {
      let even = floats(sum, lane), odd = floats(sum, 8 &+ lane)
      lanes_add_f32(place(sum, 16 &+ lane, 0), lanes_load_f32(even), lanes_load_f32(odd))
      lanes_store_f32(even, .zero)
      lanes_store_f32(odd, .zero)
    }
  }

  /// What `total` gives of a row's lanes.
  func total(_ sum: Int, _ column: Int) -> lanes_pair {
    var high = Eight.zero, low = Eight.zero
    for lane in 0..<8 {
      high[lane] = place(sum, 16 &+ lane, column).pointee
      low[lane] = place(sum, 24 &+ lane, column).pointee
    }
    return lanes_total(high, low)
  }

  func finish<R: Reduction>(_ reduction: R.Type, _ column: Int, _ out: inout lanes_sums) {
    out.a = total(0, column)
    if R.sums > 1 { out.b = total(1, column) }
    if R.sums > 2 { out.c = total(2, column) }
  }
}

@inline(never)
func reduceColumns<R: Reduction, E: Element>(
  _ reduction: R, _ element: E.Type, _ p: Columns, _ q: Columns, _ count: Int,
  _ memory: UnsafeMutablePointer<lanes_slots>, _ out: UnsafeMutablePointer<lanes_sums>
) {
  let slots = Slots(memory)
  var column = 0
  while column < together {
    var watch = Watch<R>(), index = 0
    while index < count {
      let end = min(count, index &+ 64)
      while index < end {
        let p0 = p.load(index, column, element), q0 = R.isPaired ? q.load(index, column, element) : p0
        let later = min(index &+ 64, count &- 1)
        p.prefetch(later, column &* E.stride, laneCount &* E.stride)
        if R.isPaired { q.prefetch(later, column &* E.stride, laneCount &* E.stride) }
        let terms = reduction.terms(p0, q0, fine: E.isFine)
        slots.add(terms.a, 0, index & 15, column)
        if R.sums > 1 { slots.add(terms.b, 1, index & 15, column) }
        if R.sums > 2 { slots.add(terms.c, 2, index & 15, column) }
        watch.see(p0, q0, reduction)
        index &+= 1
      }
      slots.closeBlock(0, column)
      if R.sums > 1 { slots.closeBlock(1, column) }
      if R.sums > 2 { slots.closeBlock(2, column) }
    }
    for lane in 0..<laneCount {
      let target = out + (column &+ lane)
      slots.finish(R.self, column &+ lane, &target.pointee)
      (target.pointee.signs_p, target.pointee.signs_q) = (watch.signsP[lane], watch.signsQ[lane])
      (target.pointee.greatest_p, target.pointee.greatest_q) = (watch.greatestP[lane], watch.greatestQ[lane])
    }
    column &+= laneCount
  }
}

@inline(never)
func reduceFloatColumns<R: FloatReduction>(
  _ reduction: R, _ p: Columns, _ q: Columns, _ count: Int, _ memory: UnsafeMutablePointer<lanes_slots>,
  _ out: UnsafeMutablePointer<lanes_sums>
) {
  let slots = Slots(memory)
  var topP = FloatLanes.zero, topQ = FloatLanes.zero
  var signsP = FloatBits.zero, signsQ = FloatBits.zero
  var index = 0
  while index < count {
    let end = min(count, index &+ 64)
    while index < end {
      let p0 = p.loadFloats(index), q0 = R.isPaired ? q.loadFloats(index) : p0
      let later = min(index &+ 64, count &- 1)
      p.prefetch(later, 0, 64)
      if R.isPaired { q.prefetch(later, 0, 64) }
      let a = slots.floats(0, index & 15), b = slots.floats(1, index & 15), c = slots.floats(2, index & 15)
      var sums = FloatTerms(
        a: lanes_load_f32(a), b: R.sums > 1 ? lanes_load_f32(b) : .zero, c: R.sums > 2 ? lanes_load_f32(c) : .zero)
      reduction.add(p0, q0, to: &sums)
      lanes_store_f32(a, sums.a)
      if R.sums > 1 { lanes_store_f32(b, sums.b) }
      if R.sums > 2 { lanes_store_f32(c, sums.c) }
      signsP |= unsafeBitCast(p0, to: FloatBits.self)
      if R.isPaired { signsQ |= unsafeBitCast(q0, to: FloatBits.self) }
      if R.watchesGreatest {
        topP = lanes_max_f32(p0, topP)
        if R.isPaired { topQ = lanes_max_f32(q0, topQ) }
      }
      index &+= 1
    }
    slots.closeFloatBlock(0)
    if R.sums > 1 { slots.closeFloatBlock(1) }
    if R.sums > 2 { slots.closeFloatBlock(2) }
  }
  for lane in 0..<together {
    let target = out + lane
    slots.finish(R.self, lane, &target.pointee)
    (target.pointee.signs_p, target.pointee.signs_q) = (Int64(signsP[lane]), Int64(signsQ[lane]))
    if R.watchesGreatest {
      (target.pointee.greatest_p, target.pointee.greatest_q) = (Double(topP[lane]), Double(topQ[lane]))
    }
  }
}
#endif
