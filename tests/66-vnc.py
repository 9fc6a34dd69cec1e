#!/usr/bin/env python3
"""What scenario 66 needs of Python: a desktop, and somebody in front of it.

    66-vnc.py desktop N         fill the display with picture N; a digit that is
                                typed brings that picture, a click a square at
                                its place; says what came
    66-vnc.py see FILE N [X,Y]...
                                wait until a viewer shows exactly picture N with
                                squares at these places, and keep what it shows
    66-vnc.py type DIGIT        into the viewer
    66-vnc.py click X Y         on that place of the picture

All on $DISPLAY.  Needs python3-xlib, which `-S` would hide.
"""
import random, sys, time

from Xlib import X, display
from Xlib.error import XError
from Xlib.ext import xtest

from peer import LIMIT, Wrong, say

WIDTH, HEIGHT, SIDE = 640, 480, 16
MARK = bytes((0, 255, 255, 0))          # blue, green, red and nothing


def picture(n, places):
    """Noise, which cannot be compressed, a pattern, and one flat colour."""
    noise, rows = random.Random(n), []
    flat = bytes((40 * n % 256, 255 - 40 * n % 256, 90, 0)) * (WIDTH // 4)
    for y in range(HEIGHT):
        rows += [noise.randbytes(WIDTH * 2),
                 b"".join(bytes((x * n % 256, y % 256, (x ^ y) % 256, 0))
                          for x in range(WIDTH // 4)), flat]
    data = bytearray(b"".join(rows))
    data[3::4] = bytes(WIDTH * HEIGHT)
    for x, y in places:
        for row in range(y, min(y + SIDE, HEIGHT)):
            n = min(SIDE, WIDTH - x)
            at = (row * WIDTH + x) * 4
            data[at:at + 4 * n] = MARK * n
    return bytes(data)


def draw(window, gc, data):
    # As much at once as fits into a request.
    rows = 60
    for y in range(0, HEIGHT, rows):
        window.put_image(gc, 0, y, WIDTH, rows, X.ZPixmap, 24, 0,
                         data[y * WIDTH * 4:(y + rows) * WIDTH * 4])


def cmd_desktop(n):
    d = display.Display()
    window = d.screen().root.create_window(
        0, 0, WIDTH, HEIGHT, 0, d.screen().root_depth, override_redirect=1,
        event_mask=X.ExposureMask | X.KeyPressMask | X.ButtonPressMask)
    gc = window.create_gc()
    n, places = int(n), []
    window.map()
    while True:
        event = d.next_event()
        if event.type == X.KeyPress:
            key = chr(d.keycode_to_keysym(event.detail, 0))
            if key.isdigit():
                n, places = int(key), []
            what = "key " + key
        elif event.type == X.ButtonPress:
            places.append((event.event_x, event.event_y))
            what = "button %d at %d,%d" % (event.detail, *places[-1])
        elif event.type == X.Expose:
            what = "shown"
        else:
            continue
        say(what)
        draw(window, gc, picture(n, places))


def find(d):
    """The window in which a viewer shows the picture, and where it is."""
    todo = [(w, 0, 0) for w in d.screen().root.query_tree().children]
    found = None
    while todo:
        window, x, y = todo.pop()
        g = window.get_geometry()
        x, y = x + g.x + g.border_width, y + g.y + g.border_width
        if (g.width, g.height) == (WIDTH, HEIGHT):
            found = window, x, y        # the innermost counts
        todo += [(w, x, y) for w in window.query_tree().children]
    return found


def look(d):
    """What the viewer shows, or None."""
    try:
        there = find(d)
        if not there:
            return None
        data = bytearray(there[0].get_image(0, 0, WIDTH, HEIGHT, X.ZPixmap,
                                            0xffffffff).data)
    except XError:
        return None                     # on its way in or out
    data[3::4] = bytes(len(data) // 4)
    return bytes(data)


def cmd_see(path, n, *places):
    d = display.Display()
    wanted = picture(int(n), [tuple(map(int, p.split(","))) for p in places])
    end = time.monotonic() + LIMIT
    while (data := look(d)) != wanted:
        if time.monotonic() > end:
            if data is None:
                raise Wrong("no viewer shows a picture of this size")
            raise Wrong("%d of %d pixels are others than in picture %s" % (
                sum(data[i:i + 4] != wanted[i:i + 4]
                    for i in range(0, len(wanted), 4)), WIDTH * HEIGHT, n))
        time.sleep(0.05)
    with open(path, "wb") as f:
        f.write(data)


def cmd_type(key):
    cmd_click(WIDTH // 2, HEIGHT // 2, key)


def cmd_click(x, y, key=None):
    """A click there, or, with the pointer there, a key."""
    d = display.Display()
    there = find(d)
    if not there:
        raise Wrong("no viewer to click on")
    xtest.fake_input(d, X.MotionNotify, x=there[1] + int(x),
                     y=there[2] + int(y))
    if key:
        kinds, what = (X.KeyPress, X.KeyRelease), d.keysym_to_keycode(ord(key))
    else:
        kinds, what = (X.ButtonPress, X.ButtonRelease), 1
    for kind in kinds:
        xtest.fake_input(d, kind, what)
    d.sync()


def main():
    try:
        globals()["cmd_" + sys.argv[1]](*sys.argv[2:])
    except (Wrong, OSError) as e:
        sys.exit("66-vnc.py %s: %s" % (sys.argv[1], e))


if __name__ == "__main__":
    main()
