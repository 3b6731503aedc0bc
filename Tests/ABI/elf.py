"""Reads what binary.py needs of a 64-bit little-endian ELF file: no tool's output format to depend on."""
import struct
from dataclasses import dataclass
from pathlib import Path

PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 4, 0x6474E551, 0x6474E552
SHT_SYMTAB, SHT_STRTAB, SHT_DYNSYM = 2, 3, 11
SHT_VERDEF, SHT_VERNEED, SHT_VERSYM = 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
DT_NEEDED, DT_SONAME, DT_RPATH, DT_TEXTREL, DT_FLAGS, DT_BIND_NOW, DT_RUNPATH = 1, 14, 15, 22, 30, 24, 29
DT_FLAGS_1 = 0x6FFFFFFB
DF_TEXTREL, DF_BIND_NOW, DF_1_NOW = 4, 8, 1
STB_LOCAL, STB_WEAK = 0, 2
STT_FUNC = 2
PF_X, PF_W = 1, 2
NT_GNU_PROPERTY_TYPE_0, GNU_PROPERTY_X86_FEATURE_1_AND = 5, 0xC0000002
FEATURE_IBT, FEATURE_SHSTK = 1, 2


@dataclass
class Symbol:
    name: str
    binding: int
    type: int
    defined: bool
    size: int
    value: int
    version: str = ""
    library: str = ""       # that an undefined symbol's version comes from


class Elf:
    def __init__(self, path):
        self.path = Path(path)
        self.data = self.path.read_bytes()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no 64-bit little-endian ELF file")
        (programs, sections, program_size, program_count, section_size, section_count, names) = \
            struct.unpack_from("<QQ6xHHHHH", self.data, 32)
        self.programs = [struct.unpack_from("<IIQQQQQQ", self.data, programs + i * program_size)
                         for i in range(program_count)]
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, sections + i * section_size)
                         for i in range(section_count)]
        self.section_names = [self.string(self.sections[names][4], section[0]) for section in self.sections]

    def string(self, table, offset):
        start = table + offset
        return self.data[start:self.data.index(b"\0", start)].decode()

    def of_type(self, kind):
        return next((section for section in self.sections if section[1] == kind), None)

    def strings_of(self, section):
        return self.sections[section[6]][4]

    def dynamic(self):
        """(tag, value) of each dynamic entry."""
        for kind, _, offset, _, _, size, _, _ in self.programs:
            if kind == PT_DYNAMIC:
                return list(struct.iter_unpack("<qQ", self.data[offset:offset + size]))
        return []

    def notes(self):
        """(type, description) of each note that is loaded."""
        for kind, _, offset, _, _, size, _, align in self.programs:
            at, end = offset, offset + size
            while kind == PT_NOTE and at < end:
                name, length, note = struct.unpack_from("<III", self.data, at)
                start = at + (12 + name + align - 1) // align * align
                yield note, self.data[start:start + length]
                at = start + (length + align - 1) // align * align

    def x86_features(self):
        """The bits of control-flow enforcement that the file promises; 0 if it says nothing."""
        for note, description in self.notes():
            at = 0
            while note == NT_GNU_PROPERTY_TYPE_0 and at < len(description):
                kind, size = struct.unpack_from("<II", description, at)
                if kind == GNU_PROPERTY_X86_FEATURE_1_AND:
                    return struct.unpack_from("<I", description, at + 8)[0]
                at += 8 + (size + 7) // 8 * 8
        return 0

    def dynamic_strings(self, wanted):
        table = self.strings_of(self.of_type(SHT_DYNSYM))
        return [self.string(table, value) for tag, value in self.dynamic() if tag == wanted]

    def versions(self):
        """index: (version, library it is needed of or None)"""
        found = {}
        section = self.of_type(SHT_VERNEED)
        if section:
            strings, at = self.strings_of(section), section[4]
            for _ in range(section[7]):
                _, count, file, aux, following = struct.unpack_from("<HHIII", self.data, at)
                entry = at + aux
                for _ in range(count):
                    _, _, index, name, step = struct.unpack_from("<IHHII", self.data, entry)
                    found[index] = (self.string(strings, name), self.string(strings, file))
                    entry += step
                at += following
        section = self.of_type(SHT_VERDEF)
        if section:
            strings, at = self.strings_of(section), section[4]
            for _ in range(section[7]):
                _, _, index, _, _, aux, following = struct.unpack_from("<HHHHIII", self.data, at)
                name, _ = struct.unpack_from("<II", self.data, at + aux)
                found[index] = (self.string(strings, name), None)
                at += following
        return found

    def symbols(self, kind):
        section = self.of_type(kind)
        if section is None:
            return []
        strings, versym = self.strings_of(section), self.of_type(SHT_VERSYM) if kind == SHT_DYNSYM else None
        versions = self.versions() if versym else {}
        symbols = []
        for i in range(1, section[5] // 24):
            name, info, _, index, value, size = struct.unpack_from("<IBBHQQ", self.data, section[4] + 24 * i)
            symbol = Symbol(self.string(strings, name), info >> 4, info & 15, index != 0, size, value)
            if versym:
                number = struct.unpack_from("<H", self.data, versym[4] + 2 * i)[0] & 0x7FFF
                symbol.version, library = versions.get(number, ("", None)) if number > 1 else ("", None)
                symbol.library = library or ""
            symbols.append(symbol)
        return symbols
