# A reader of the feed's frames that was written from docs/spec alone: the frames of
# revocation-feed.md, the rules of revocation.md, the lines of conformance.md. It
# offers nothing else.
import json, sys

SCOPES = ["jti", "sid", "sub", "tid", "kid", "iss"]  # the narrowest first
ACTIONS = ["none", "rotate", "revoke"]
TABLE = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
    TABLE.append(i)


def crc32c(data):
    c = 0xFFFFFFFF
    for b in data:
        c = TABLE[(c ^ b) & 255] ^ c >> 8
    return c ^ 0xFFFFFFFF


class Refused(Exception):
    pass


def demand(fine):
    if not fine:
        raise Refused


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        demand(self.at + n <= len(self.data))
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, below=2**64):
        n = shift = 0
        while True:
            b = self.take(1)[0]
            n |= (b & 127) << shift
            shift += 7
            if b < 128:
                demand(n < below and (b or shift == 7))
                return n
            demand(shift < 70)

    def text(self):
        try:
            return self.take(self.number()).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused

    def cursor(self):
        return self.number(), self.number()

    def there(self, flags, flag, read, zero):
        if not flags & flag:
            return zero
        value = read()
        demand(value != zero)
        return value

    def entry(self):
        e = {"s": self.number(), "k": self.text(), "id": self.text(), "a": self.text()}
        flags = self.take(1)[0]
        demand(flags < 32)
        e["b"] = self.there(flags, 1, self.cursor, (0, 0))
        for name, flag in ("at", 2), ("f", 4), ("u", 8):
            e[name] = self.there(flags, flag, lambda: self.number(2**63), 0)
        self.there(flags, 16, self.text, "")
        return e

    def word(self):
        boot, to, flags = self.text(), self.cursor(), self.take(1)[0]
        demand(flags < 2)
        if flags:
            demand(self.number() <= 2**63 // 10**6)
        count = self.number()
        demand(count <= 1000)
        return boot, to, [self.entry() for _ in range(count)]


def frames(data):
    while data:
        demand(len(data) >= 4)
        n = int.from_bytes(data[:4], "big")
        demand(2 <= n <= 2**20 and len(data) >= n + 8)
        demand(crc32c(data[: n + 4]) == int.from_bytes(data[n + 4 : n + 8], "big"))
        demand(data[4] == 1 and data[5] == 2)  # the greeting has been
        body = Body(data[6 : n + 4])
        word = body.word()
        demand(body.at == len(body.data))
        yield word
        data = data[n + 8 :]


def follow(q):
    at, rules, understood = pair(q["cursor"]), [], True
    try:
        for boot, to, entries in frames(bytes.fromhex(q["frames"])):
            numbers = [at] + [(to[0], e["s"]) for e in entries]
            demand(boot == q["boot"] and to[0] == at[0] and to >= numbers[-1])
            demand(all(a < b for a, b in zip(numbers, numbers[1:])))
            for e in entries:
                e["b"] = e["b"] if e["b"] != (0, 0) else (to[0], e["s"])
                known = e["k"] in SCOPES and e["a"] in ACTIONS[1:] and e["id"] and not 0 < e["u"] < e["f"]
                rules += [e] if known else []
                understood = understood and bool(known)
            at = to if understood else at
    except Refused:
        pass  # the stream is closed; what was taken stays
    return {"cursor": "%d:%d" % at, **verdict(rules, q["claims"], q["now"])}


def pair(text):
    return tuple(map(int, text.split(":")))


def verdict(rules, claims, now):
    said = {"verdict": "none"}
    for r in sorted(rules, key=lambda r: SCOPES.index(r["k"])):
        if claims.get(r["k"]) != r["id"] or not r["f"] <= now * 1000 <= (r["u"] or 2**64):
            continue
        if r["k"] in ("sub", "tid", "iss"):
            spared = pair(claims["rev"]) >= r["b"] if "rev" in claims else r["at"] and claims.get("iat", 0) * 1000 >= -(-r["at"] // 1000) * 1000
            if spared:
                continue
        if ACTIONS.index(r["a"]) > ACTIONS.index(said["verdict"]):
            said = {"verdict": r["a"], "scope": r["k"]}
    return said


for line in sys.stdin:
    q = json.loads(line)
    answer = {"offers": ["frames"]} if q["kind"] == "offers" else follow(q)
    print(json.dumps({"case": q["case"], **answer}), flush=True)
