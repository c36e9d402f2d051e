#!/usr/bin/env python3
"""bench/check.py [--known] PGSS_BENCH LIBRARY LIBRARY-OF-NTLM-SPNEGO-SASL SASL-CLIENT MAIL-CLIENT: prints each bar of the project's
performance beside what is measured; exit 1 where one does not hold.

Counts only, so the load of the machine does not matter: instructions by callgrind, allocations and held heap by the
benchmarks' own counters, octets of code from what was linked. "Floor" is the bare cryptography (bench/floor.cc), "by
hand" a decoder or encoder of the same token that does nothing else.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# (what, benchmark, yardstick, at most this many times the yardstick's instructions)
RATIOS = [
    ("handshake in SPNEGO with mechListMIC, both sides / floor", "BM_HandshakeSpnegoNtlm", "BM_FloorNtlmInSpnego", 1.25),
    *((f"wrap of {size} octets / floor", f"BM_NtlmWrap/{size}", f"BM_FloorNtlmWrap/{size}", 1.15) for size in (64, 1024, 16384)),
    *((f"MIC of {size} octets / floor", f"BM_NtlmMic/{size}", f"BM_FloorNtlmMic/{size}", 1.15) for size in (64, 1024, 16384)),
    *((f"{what} of {size} octets, etype 18 / floor", f"BM_Krb5{name}/{size}", f"BM_FloorKrb5{name}/{size}", 1.15)
      for what, name in [("encrypt", "Encrypt"), ("decrypt", "Decrypt"), ("checksum", "Checksum")] for size in (64, 1024, 16384)),
    *((f"{what} of 64 octets, etype 20 / floor", f"BM_Krb5{name}Sha2/64", f"BM_FloorKrb5{name}Sha2/64", 1.15)
      for what, name in [("encrypt", "Encrypt"), ("decrypt", "Decrypt"), ("checksum", "Checksum")]),
    *((f"{what} token of {size} octets, etype 18 / floor", f"BM_Kerberos{name}/{size}", f"BM_FloorKrb5{floor}/{size}", 1.15)
      for what, name, floor in [("wrap", "Wrap", "Encrypt"), ("unwrap", "Unwrap", "Decrypt"), ("MIC", "Mic", "Checksum")]
      for size in (64, 1024, 16384)),
    ("cryptography of an AP exchange, both sides / floor", "BM_Krb5ApExchange", "BM_FloorKrb5ApExchange", 1.15),
    ("Kerberos handshake in SPNEGO, both sides / floor", "BM_HandshakeSpnegoKerberos", "BM_FloorKrb5ApExchange", 2.5),
    ("decode NegTokenInit / by hand", "BM_SpnegoDecodeInit", "BM_SpnegoDecodeInitBare", 2.5),
    ("decode NegTokenResp / by hand", "BM_SpnegoDecodeResp", "BM_SpnegoDecodeRespBare", 2.5),
    ("encode NegTokenInit / by hand", "BM_SpnegoEncodeInit", "BM_SpnegoEncodeInitBare", 2.5),
    ("encode NegTokenResp / by hand", "BM_SpnegoEncodeResp", "BM_SpnegoEncodeRespBare", 2.5),
    # Linear: 14 times the size, at most 14 times the work and a fifth more.
    ("decode a CHALLENGE of 7,000 octets / of 500", "BM_NtlmDecodeChallengeOfSize/7000", "BM_NtlmDecodeChallengeOfSize/500",
     16.8),
    ("decode a NEGOTIATE of 7,000 octets / of 500", "BM_NtlmDecodeNegotiateOfSize/7000", "BM_NtlmDecodeNegotiateOfSize/500", 1.2),
    ("decode an AUTHENTICATE of 7,000 octets / of 500", "BM_NtlmDecodeAuthenticateOfSize/7000",
     "BM_NtlmDecodeAuthenticateOfSize/500", 16.8),
    ("decode a KRB-ERROR with data of 48,000 octets / of 200", "BM_Krb5ErrorDecode/48000", "BM_Krb5ErrorDecode/200", 1.2),
    ("decode an EncKDCRepPart of 32 last-req / of 8", "BM_Krb5EncKdcRepPartDecode/32", "BM_Krb5EncKdcRepPartDecode/8", 4.8),
    ("decode METHOD-DATA of 32 entries / of 8", "BM_Krb5MethodDataDecode/32", "BM_Krb5MethodDataDecode/8", 4.8),
    ("decode an AP-REQ with a ticket of 48,000 octets / of 450", "BM_Krb5ApReqDecode/48000", "BM_Krb5ApReqDecode/450", 1.2),
    ("decode an AS-REP with a ticket of 48,000 octets / of 450", "BM_Krb5AsRepDecode/48000", "BM_Krb5AsRepDecode/450", 1.2),
    ("decode a TGS-REP with a ticket of 48,000 octets / of 450", "BM_Krb5TgsRepDecode/48000", "BM_Krb5TgsRepDecode/450", 1.2),
    ("a key out of a key table of 256 entries / of 16", "BM_Krb5KeytabFind/256", "BM_Krb5KeytabFind/16", 19.2),
    ("decode a NegTokenInit of 2,048 octets / of 74", "BM_NegTokenInitDecodeReader/2048", "BM_NegTokenInitDecodeReader/74", 33),
]

# (what, benchmark, its counter, at most)
COUNTERS = [
    ("allocations, handshake in SPNEGO, both sides", "BM_HandshakeSpnegoNtlm", "allocs/op", 24),
    ("allocations, handshake of bare NTLM, both sides", "BM_HandshakeNtlm", "allocs/op", 24),
    ("allocations, Kerberos handshake in SPNEGO, both sides", "BM_HandshakeSpnegoKerberos", "allocs/op", 32),
    ("allocations, handshake of bare Kerberos, both sides", "BM_HandshakeKerberos", "allocs/op", 32),
    # Of the two sides, the one that holds more.
    ("heap held by an established context, octets", "BM_HandshakeSpnegoNtlm", "held/side", 2048),
    ("the same of bare NTLM", "BM_HandshakeNtlm", "held/side", 2048),
    ("the same of Kerberos in SPNEGO", "BM_HandshakeSpnegoKerberos", "held/side", 2048),
    ("the same of bare Kerberos", "BM_HandshakeKerberos", "held/side", 2048),
    *((f"allocations, Kerberos {what}", f"BM_Kerberos{name}/1024", "allocs/op", 0)
      for what, name in [("wrap and unwrap", "WrapUnwrap"), ("unwrap", "Unwrap"), ("MIC", "Mic"), ("wrap of integrity", "WrapIntegrity"),
                         ("wrap, etype 23", "WrapRc4")]),
    *((f"allocations, {what}", name, "allocs/op", 0) for what, name in [
        ("decode NegTokenInit", "BM_SpnegoDecodeInit"), ("decode NegTokenResp", "BM_SpnegoDecodeResp"),
        ("encode NegTokenInit", "BM_SpnegoEncodeInit"), ("encode NegTokenResp", "BM_SpnegoEncodeResp"),
        ("decode NEGOTIATE", "BM_NtlmDecodeNegotiate"), ("decode CHALLENGE", "BM_NtlmDecodeChallenge"),
        ("decode AUTHENTICATE", "BM_NtlmDecodeAuthenticate"), ("decode AP-REQ", "BM_Krb5ApReqDecode/1500"),
        ("decode AP-REP", "BM_Krb5ApRepDecode"), ("decode AS-REP", "BM_Krb5AsRepDecode/1500"),
        ("decode TGS-REP", "BM_Krb5TgsRepDecode/1500"), ("decode EncKDCRepPart", "BM_Krb5EncKdcRepPartDecode/32"),
        ("decode KRB-ERROR", "BM_Krb5ErrorDecode/200"), ("a key out of a key table", "BM_Krb5KeytabFind/256"),
        ("decode METHOD-DATA", "BM_Krb5MethodDataDecode/32"), ("Kerberos encrypt", "BM_Krb5Encrypt/1024"),
        ("Kerberos decrypt", "BM_Krb5Decrypt/1024"), ("Kerberos checksum", "BM_Krb5Checksum/1024"),
        ("wrap and unwrap", "BM_ContextWrapUnwrap/1024"),
        ("MIC and its check", "BM_ContextMicVerify/1024")]),
]

# (what, at most): text and read-only data of the libraries, with both ends, and of programs that carry one (bench/size).
SIZES = [
    ("code of ours at -Os, all in, octets", 160_000),
    ("NTLM, SPNEGO and SASL, octets", 64_000),
    ("the same in a program that logs in", 64_000),
    ("all in, in a program that logs in and mails", 160_000),
]

# A bar that is known not to hold, and how far off it may be: with --known it is printed as missed and does not fail the run
# (script/test), but it must not get worse than this. docs/embedding.md says where the octets are.
KNOWN_MISSES = {SIZES[0][0]: 285_000, SIZES[3][0]: 209_000}


def run_benchmark(program, name, *wrapper):
    done = subprocess.run([*wrapper, program, f"--benchmark_filter=^{re.escape(name)}$", "--benchmark_min_time=0.02",
                           "--benchmark_format=json"], capture_output=True, text=True, env={**os.environ, "LD_BIND_NOW": "1"})
    found = json.loads(done.stdout)["benchmarks"] if done.returncode == 0 and done.stdout.strip() else []
    return found[0] if found and "error_message" not in found[0] else None


def instructions(program, name):
    """Instructions for one iteration: what callgrind counts inside the benchmark's loop, in its last and longest run."""
    with tempfile.TemporaryDirectory() as folder:
        state = "benchmark::State::{}KeepRunning()"
        found = run_benchmark(program, name, "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                              f"--zero-before={state.format('Start')}", f"--dump-before={state.format('Finish')}")
        dumps = sorted(pathlib.Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        if not found or not dumps:
            return None
        total = re.search(r"^summary: (\d+)", dumps[-1].read_text(), re.M)
        return int(total[1]) / found["iterations"]


def code_size(linked):
    """Text and read-only data of what was linked; an archive would count what its objects share once for each."""
    listing = subprocess.run(["size", "-A", "-d", linked], capture_output=True, text=True, check=True).stdout
    return sum(int(size) for size in re.findall(r"^\.(?:text|rodata)\s+(\d+)", listing, re.M))


def standard_library_size(linked):
    """Text of what C++ makes anew in each program: functions that are std's own, of whatever types."""
    listing = subprocess.run(["nm", "-S", "-C", "--defined-only", linked], capture_output=True, text=True, check=True).stdout
    found = {}
    for address, size, name in re.findall(r"^([0-9a-f]+) ([0-9a-f]+) [tTwW] (.*)$", listing, re.M):
        # What stands before the name is its return type.
        if re.match(r"(?:[\w:]+[ &*]+|decltype\(auto\) |std::[^()]*[>&*] +)?(?:std|__gnu_cxx)::", name):
            found[address] = int(size, 16)  # two names may be one function
    return sum(found.values())


class Report:
    def __init__(self, known):
        self.failed = self.missed = 0
        self.known = known

    def row(self, what, measured, limit, shown):
        holds = measured is not None and measured <= limit
        known = not holds and measured is not None and measured <= self.known.get(what, 0)
        self.failed += not holds and not known
        self.missed += known
        print(f"{'holds' if holds else 'known' if known else 'FAILS'}  {what:<62} {shown if measured is not None else 'no such benchmark':>34}"
              f"   at most {limit:g}", flush=True)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--known"]
    if len(arguments) != 1 + len(SIZES):
        sys.exit(__doc__)
    program, *weighed = arguments
    report = Report(KNOWN_MISSES if "--known" in sys.argv else {})
    for what, name, yardstick, limit in RATIOS:
        own, other = instructions(program, name), instructions(program, yardstick)
        ratio = own / other if own and other else None
        report.row(what, ratio, limit, ratio and f"{own:,.0f} / {other:,.0f} = {ratio:.2f}")
    for what, name, counter, limit in COUNTERS:
        found = run_benchmark(program, name)
        value = found.get(counter) if found else None
        # The counter is read once a run: what is left over, divided by the iterations, is below a hundredth.
        value = None if value is None else round(value, 2)
        report.row(what, value, limit, f"{value:g}" if value is not None else "")
    for (what, limit), linked in zip(SIZES, weighed):
        size, of_standard_library = code_size(linked), standard_library_size(linked)
        report.row(what, size, limit, f"{size:,}")
        print(f"       of it copies of the standard library's templates: {of_standard_library:,}")
    print(f"{report.failed} bars do not hold" if report.failed else "all bars hold" if not report.missed else
          f"{report.missed} bars are known not to hold, all others do")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
