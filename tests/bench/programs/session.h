/* One connection of the measuring client: what it binds, draws and waits for. Every failure ends the process. */
#pragma once
#include <stdint.h>
#include <wayland-client.h>

/* A window's content: two buffers, used in turn. */
struct picture {
    int width, height;
    uint32_t *pixels[2];
    struct wl_buffer *buffers[2];
    int next;
    int changes; /* how often a square of it was changed */
};

struct session {
    const char *display_name;
    struct wl_display *display;
    struct wl_registry *registry;
    struct wl_compositor *compositor;
    struct wl_shm *shm;
    struct wl_seat *seat;
    struct wl_pointer *pointer;
    struct wl_surface *surface;
    struct wl_region *control; /* takes the requests to the host itself, see bench.h */
    int memory_fd;
    struct picture small, full, huge; /* 64x64, 1920x1080, 3840x2160 */
    uint64_t motions;
};

enum session_kind { SESSION_REGISTRY_ONLY, SESSION_DRAWS };

void session_open(struct session *session, const char *display_name, enum session_kind kind);
void session_close(struct session *session);
void session_roundtrip(struct session *session);
/* Sends what libwayland has buffered, waiting for room as long as it takes. */
void session_flush(struct session *session);
/* `damages` times wl_surface.damage, sent. */
void session_damage_chunk(struct session *session, int damages);
/* Shows the next buffer of the picture, filled anew if asked for, and waits for the frame callback. */
void session_frame(struct session *session, struct picture *picture, int fill);
/* Shows the picture with a square of 100x100 pixels changed, in one or two buffers, and waits for the frame callback. */
void session_change(struct session *session, struct picture *picture, int buffers);
/* Whether the host keeps the buffer that it shows until the next one is committed. */
void session_host_keeps(struct session *session, int keeps);

int flood(const char *display_name, uint64_t requests);
int swarm(const char *display_name, int clients, int seconds);
