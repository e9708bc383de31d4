"""Recognises the instruction before a return address: what was called from there, and what did it push?

A word on the stack is a return address when a call, or an `int n`, ends just before the place it points to and leads
to code at or before the pc (SDM vol. 2, CALL and INT n).
"""

from typing import Iterator, NamedTuple, Optional, Tuple

from .guest_memory import GuestMemory

_OPERAND_SIZE_PREFIX = 0x66


class CallSite(NamedTuple):
    # "near", "far" or "indirect" (a near call through a register or memory).
    kind: str
    # Bytes of each pushed word: 2, 4, or 8.
    slot: int
    # Of a near call the callee's linear address, of a far call its offset; None where the call names a register or memory.
    target: Optional[int]
    # The code segment that a far call names.
    selector: int = 0


def near_call_sites(memory: GuestMemory, code_base: int, offset: int, bits: int) -> Iterator[CallSite]:
    """The near calls that may end at `offset` in a code segment based at `code_base`."""
    before = memory.bytes(code_base + offset - 7, 7)
    if before is None:
        return
    native = bits // 8
    for slot in slots_of(bits):
        # The displacement of 64-bit code has 4 bytes.
        start = 7 - 1 - min(slot, 4)
        if before[start] != 0xE8:
            continue
        if slot != native and before[start - 1] != _OPERAND_SIZE_PREFIX:
            continue
        displacement = int.from_bytes(before[start + 1:], "little", signed=True)
        yield CallSite("near", slot, code_base + (offset + displacement) % 2 ** (8 * slot))
    for length in range(2, 7):
        if any(_is_indirect_call(before[7 - length:], address_bits) for address_bits in {bits, 32}):
            is_prefixed = bits == 16 and before[7 - length - 1] == _OPERAND_SIZE_PREFIX
            yield CallSite("indirect", 4 if is_prefixed else native, None)


def slots_of(bits: int) -> Tuple[int, ...]:
    """Bytes that a call in code of this width may push for each word, the usual ones first."""
    return {16: (2, 4), 32: (4, 2), 64: (8,)}[bits]


def far_call_sites(memory: GuestMemory, return_address: int, bits: int) -> Iterator[CallSite]:
    """The far calls with the code's usual operand size, 32 bits in 64-bit code, that may end at the linear `return_address`."""
    slot = min(bits // 8, 4)
    before = memory.bytes(return_address - 7, 7)
    if before is None:
        return
    start = 7 - 3 - slot
    if before[start] == 0x9A and bits != 64:
        offset = int.from_bytes(before[start + 1:start + 1 + slot], "little")
        yield CallSite("far", slot, offset, selector=int.from_bytes(before[start + 1 + slot:], "little"))
    for length in range(2, 7):
        if any(_is_indirect_call(before[7 - length:], address_bits, is_far=True) for address_bits in {bits, 32}):
            yield CallSite("far", slot, None)


def interrupt_vector(memory: GuestMemory, return_address: int) -> Optional[int]:
    """The vector of the `int n` or `int3` that ends at the linear `return_address`."""
    before = memory.bytes(return_address - 2, 2)
    if before is None:
        return None
    if before[0] == 0xCD:
        return before[1]
    return 3 if before[1] == 0xCC else None


def _is_indirect_call(code: bytes, address_bits: int, is_far: bool = False) -> bool:
    """Whether `code` is exactly one FF /2, or FF /3 for a far call (SDM vol. 2, tables 2-1 to 2-3). In 16-bit code 32-bit
    addressing is met too."""
    if code[0] != 0xFF or code[1] >> 3 & 7 != (3 if is_far else 2) or (is_far and code[1] >> 6 == 3):
        return False
    mod, rm = code[1] >> 6, code[1] & 7
    length = 2
    if address_bits == 16:
        length += {0: 2 if rm == 6 else 0, 1: 1, 2: 2, 3: 0}[mod]
    else:
        has_sib = mod != 3 and rm == 4
        if has_sib and len(code) < 3:
            return False
        base = code[2] & 7 if has_sib else rm
        length += (1 if has_sib else 0) + {0: 4 if base == 5 else 0, 1: 1, 2: 4, 3: 0}[mod]
    return len(code) == length
