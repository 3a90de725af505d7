#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "session.h"

static void fail(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void bind_global(void *data, struct wl_registry *registry, uint32_t name, const char *interface,
                        uint32_t version)
{
    struct session *session = data;
    (void)version;
    if (strcmp(interface, "wl_compositor") == 0)
        session->compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 4);
    else if (strcmp(interface, "wl_shm") == 0)
        session->shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
    else if (strcmp(interface, "wl_seat") == 0)
        session->seat = wl_registry_bind(registry, name, &wl_seat_interface, 1);
}

static void see_global(void *data, struct wl_registry *registry, uint32_t name, const char *interface,
                       uint32_t version)
{
    (void)data, (void)registry, (void)name, (void)interface, (void)version;
}

static void global_removed(void *data, struct wl_registry *registry, uint32_t name)
{
    (void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener binding_listener = { bind_global, global_removed };
static const struct wl_registry_listener seeing_listener = { see_global, global_removed };

static void pointer_enter(void *data, struct wl_pointer *pointer, uint32_t serial, struct wl_surface *surface,
                          wl_fixed_t x, wl_fixed_t y)
{
    (void)data, (void)pointer, (void)serial, (void)surface, (void)x, (void)y;
}

static void pointer_leave(void *data, struct wl_pointer *pointer, uint32_t serial, struct wl_surface *surface)
{
    (void)data, (void)pointer, (void)serial, (void)surface;
}

static void pointer_motion(void *data, struct wl_pointer *pointer, uint32_t time, wl_fixed_t x, wl_fixed_t y)
{
    struct session *session = data;
    (void)pointer, (void)time, (void)x, (void)y;
    session->motions++;
}

static void pointer_button(void *data, struct wl_pointer *pointer, uint32_t serial, uint32_t time,
                           uint32_t button, uint32_t state)
{
    (void)data, (void)pointer, (void)serial, (void)time, (void)button, (void)state;
}

static void pointer_axis(void *data, struct wl_pointer *pointer, uint32_t time, uint32_t axis, wl_fixed_t value)
{
    (void)data, (void)pointer, (void)time, (void)axis, (void)value;
}

static const struct wl_pointer_listener pointer_listener = {
    .enter = pointer_enter,
    .leave = pointer_leave,
    .motion = pointer_motion,
    .button = pointer_button,
    .axis = pointer_axis,
};

static void buffer_released(void *data, struct wl_buffer *buffer)
{
    (void)data, (void)buffer;
}

static const struct wl_buffer_listener buffer_listener = { buffer_released };

static void make_picture(struct session *session, struct picture *picture, int width, int height)
{
    size_t size = (size_t)width * (size_t)height * 4;
    int fd = memfd_create("bench", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)(2 * size)) < 0)
        fail("memfd_create");
    char *memory = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    struct wl_shm_pool *pool = wl_shm_create_pool(session->shm, fd, (int32_t)(2 * size));
    picture->width = width;
    picture->height = height;
    for (int i = 0; i < 2; i++) {
        picture->pixels[i] = (uint32_t *)(memory + (size_t)i * size);
        picture->buffers[i] =
            wl_shm_pool_create_buffer(pool, i * (int32_t)size, width, height, width * 4, WL_SHM_FORMAT_XRGB8888);
        wl_buffer_add_listener(picture->buffers[i], &buffer_listener, NULL);
    }
    wl_shm_pool_destroy(pool);
    close(fd);
}

void session_open(struct session *session, const char *display_name, enum session_kind kind)
{
    memset(session, 0, sizeof *session);
    session->display_name = display_name;
    session->display = wl_display_connect(display_name);
    if (session->display == NULL)
        fail("cannot connect");
    session->registry = wl_display_get_registry(session->display);
    if (kind == SESSION_REGISTRY_ONLY) {
        wl_registry_add_listener(session->registry, &seeing_listener, session);
        session_roundtrip(session);
        return;
    }
    wl_registry_add_listener(session->registry, &binding_listener, session);
    session_roundtrip(session);
    if (session->compositor == NULL || session->shm == NULL || session->seat == NULL) {
        fprintf(stderr, "client: wl_compositor, wl_shm or wl_seat is not announced\n");
        exit(1);
    }
    session->surface = wl_compositor_create_surface(session->compositor);
    session->control = wl_compositor_create_region(session->compositor);
    session->pointer = wl_seat_get_pointer(session->seat);
    wl_pointer_add_listener(session->pointer, &pointer_listener, session);
    session->memory_fd = memfd_create("bench", MFD_CLOEXEC);
    if (session->memory_fd < 0 || ftruncate(session->memory_fd, 4096) < 0)
        fail("memfd_create");
    make_picture(session, &session->small, 64, 64);
    make_picture(session, &session->full, 1920, 1080);
    make_picture(session, &session->huge, 3840, 2160);
    session_host_keeps(session, 0);
    session_roundtrip(session);
}

void session_close(struct session *session)
{
    wl_registry_destroy(session->registry);
    wl_display_disconnect(session->display);
}

void session_roundtrip(struct session *session)
{
    if (wl_display_roundtrip(session->display) < 0)
        fail("the connection ended");
}

void session_flush(struct session *session)
{
    struct pollfd room = { .fd = wl_display_get_fd(session->display), .events = POLLOUT };
    while (wl_display_flush(session->display) < 0) {
        if (errno != EAGAIN || poll(&room, 1, -1) < 0)
            fail("the connection ended");
    }
}

void session_damage_chunk(struct session *session, int damages)
{
    for (int i = 0; i < damages; i++)
        wl_surface_damage(session->surface, i, i, 64, 64);
    session_flush(session);
}

static void frame_done(void *data, struct wl_callback *callback, uint32_t time)
{
    (void)time;
    wl_callback_destroy(callback);
    *(int *)data = 1;
}

static const struct wl_callback_listener frame_listener = { frame_done };

/* Commits the buffer with that damage, and waits for the frame callback. */
static void show(struct session *session, struct wl_buffer *buffer, int x, int y, int width, int height)
{
    int done = 0;
    wl_surface_attach(session->surface, buffer, 0, 0);
    wl_surface_damage(session->surface, x, y, width, height);
    wl_callback_add_listener(wl_surface_frame(session->surface), &frame_listener, &done);
    wl_surface_commit(session->surface);
    while (!done) {
        if (wl_display_dispatch(session->display) < 0)
            fail("the connection ended");
    }
}

void session_frame(struct session *session, struct picture *picture, int fill)
{
    int turn = picture->next;
    picture->next = 1 - turn;
    if (fill)
        memset(picture->pixels[turn], turn * 0x55, (size_t)picture->width * (size_t)picture->height * 4);
    show(session, picture->buffers[turn], 0, 0, picture->width, picture->height);
}

enum { SQUARE = 100 };

/* Each square lies beside the one before it, and touches none of the last few. */
static int square_x(const struct picture *picture, int change)
{
    return change * 2 * SQUARE % (picture->width - SQUARE);
}

static int square_y(const struct picture *picture, int change)
{
    return change * 2 * SQUARE % (picture->height - SQUARE);
}

static void fill_square(const struct picture *picture, uint32_t *pixels, int change)
{
    uint32_t *row = pixels + square_y(picture, change) * picture->width + square_x(picture, change);
    for (int y = 0; y < SQUARE; y++, row += picture->width)
        memset(row, change, SQUARE * 4);
}

void session_change(struct session *session, struct picture *picture, int buffers)
{
    int change = ++picture->changes, turn = change % buffers;
    /* a buffer that was not shown last lacks what was changed then */
    for (int missed = buffers - 1; missed >= 0; missed--)
        fill_square(picture, picture->pixels[turn], change - missed);
    show(session, picture->buffers[turn], square_x(picture, change), square_y(picture, change), SQUARE, SQUARE);
}

void session_host_keeps(struct session *session, int keeps)
{
    wl_region_add(session->control, BENCH_MAGIC, 2, keeps, 0);
}
