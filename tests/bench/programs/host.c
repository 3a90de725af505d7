/*
 * A Wayland host that shows nothing and answers at once: the far end of every benchmark.
 *
 *   host NAME      serves the socket NAME in $XDG_RUNTIME_DIR until its standard input ends
 *
 * It stands on libwayland-server, as compositors do, so that what a proxy adds is set against what a
 * request costs in a real session. A commit releases its buffer and completes its frame callbacks at
 * once. SIGUSR1 makes it print how many requests it has received, one "name count" a line.
 *
 * wl_region.add(BENCH_MAGIC, 1, n, 0) asks for n wl_pointer.motion events: a legal request that nobody
 * else sends, and that a proxy has no reason to look into. (BENCH_MAGIC, 2, 1, 0) makes surfaces keep their
 * buffer until the next one is committed, (BENCH_MAGIC, 2, 0, 0) not.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>

#include "bench.h"

static struct {
    uint64_t connections, surfaces, damages, commits, regions, pools, buffers, events;
} count;

static struct wl_display *display;
static struct wl_resource *pointer; /* the newest one: the one that gets the motion */
static int keeps_buffers; /* of the newest client that said so */

static void destroy_resource(struct wl_client *client, struct wl_resource *resource)
{
    (void)client;
    wl_resource_destroy(resource);
}

static struct wl_resource *create(struct wl_client *client, const struct wl_interface *interface,
                                  int version, uint32_t id, const void *implementation, void *data,
                                  wl_resource_destroy_func_t destroyed)
{
    struct wl_resource *resource = wl_resource_create(client, interface, version, id);
    if (resource == NULL) {
        perror("wl_resource_create");
        exit(1);
    }
    wl_resource_set_implementation(resource, implementation, data, destroyed);
    return resource;
}

/* wl_region, with the request for events */

static void send_motion(struct wl_client *client, int32_t events)
{
    if (pointer == NULL || wl_resource_get_client(pointer) != client)
        return;
    struct pollfd room = { .fd = wl_client_get_fd(client), .events = POLLOUT };
    for (int32_t i = 0; i < events; i++) {
        /* libwayland drops a client whose socket is full; a chunk of 4096 bytes fits when poll() says so */
        if (i % BENCH_MOTIONS_PER_CHUNK == 0) {
            wl_client_flush(client);
            poll(&room, 1, -1);
        }
        wl_pointer_send_motion(pointer, (uint32_t)i, wl_fixed_from_int(i % 1000), wl_fixed_from_int(i % 700));
    }
    count.events += (uint64_t)events;
}

static void region_add(struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y,
                       int32_t width, int32_t height)
{
    (void)resource, (void)height;
    if (x == BENCH_MAGIC && y == 1)
        send_motion(client, width);
    if (x == BENCH_MAGIC && y == 2)
        keeps_buffers = width;
}

static void region_subtract(struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y,
                            int32_t width, int32_t height)
{
    (void)client, (void)resource, (void)x, (void)y, (void)width, (void)height;
}

static const struct wl_region_interface region_requests = {
    .destroy = destroy_resource, .add = region_add, .subtract = region_subtract
};

/* wl_surface */

struct surface {
    uint32_t buffer; /* what attach named, by id: it may be gone at the commit */
    uint32_t kept; /* what it shows, likewise */
    struct wl_list frames;
};

static void surface_destroyed(struct wl_resource *resource)
{
    struct surface *surface = wl_resource_get_user_data(resource);
    struct wl_resource *frame, *next;
    wl_resource_for_each_safe(frame, next, &surface->frames) wl_resource_destroy(frame);
    free(surface);
}

static void frame_destroyed(struct wl_resource *resource)
{
    wl_list_remove(wl_resource_get_link(resource));
}

static void surface_attach(struct wl_client *client, struct wl_resource *resource, struct wl_resource *buffer,
                           int32_t x, int32_t y)
{
    (void)client, (void)x, (void)y;
    struct surface *surface = wl_resource_get_user_data(resource);
    surface->buffer = buffer != NULL ? wl_resource_get_id(buffer) : 0;
}

static void surface_damage(struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y,
                           int32_t width, int32_t height)
{
    (void)client, (void)resource, (void)x, (void)y, (void)width, (void)height;
    count.damages++;
}

static void surface_frame(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
    struct surface *surface = wl_resource_get_user_data(resource);
    struct wl_resource *frame = create(client, &wl_callback_interface, 1, id, NULL, NULL, frame_destroyed);
    wl_list_insert(surface->frames.prev, wl_resource_get_link(frame));
}

static void surface_set_region(struct wl_client *client, struct wl_resource *resource, struct wl_resource *region)
{
    (void)client, (void)resource, (void)region;
}

static void surface_commit(struct wl_client *client, struct wl_resource *resource)
{
    struct surface *surface = wl_resource_get_user_data(resource);
    struct wl_resource *buffer = surface->buffer != 0 ? wl_client_get_object(client, surface->buffer) : NULL;
    struct wl_resource *frame, *next;
    count.commits++;
    if (keeps_buffers && buffer != NULL) {
        struct wl_resource *shown = surface->kept != 0 ? wl_client_get_object(client, surface->kept) : NULL;
        surface->kept = surface->buffer;
        buffer = shown;
    }
    surface->buffer = 0;
    if (buffer != NULL)
        wl_buffer_send_release(buffer);
    wl_resource_for_each_safe(frame, next, &surface->frames) {
        wl_callback_send_done(frame, (uint32_t)(bench_nanoseconds() / 1000000));
        wl_resource_destroy(frame);
    }
}

static void surface_set_int(struct wl_client *client, struct wl_resource *resource, int32_t value)
{
    (void)client, (void)resource, (void)value;
}

static const struct wl_surface_interface surface_requests = {
    .destroy = destroy_resource,
    .attach = surface_attach,
    .damage = surface_damage,
    .frame = surface_frame,
    .set_opaque_region = surface_set_region,
    .set_input_region = surface_set_region,
    .commit = surface_commit,
    .set_buffer_transform = surface_set_int,
    .set_buffer_scale = surface_set_int,
    .damage_buffer = surface_damage,
};

/* wl_compositor */

static void create_surface(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
    struct surface *surface = calloc(1, sizeof *surface);
    if (surface == NULL)
        exit(1);
    count.surfaces++;
    wl_list_init(&surface->frames);
    create(client, &wl_surface_interface, wl_resource_get_version(resource), id, &surface_requests, surface,
           surface_destroyed);
}

static void create_region(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
    (void)resource;
    count.regions++;
    create(client, &wl_region_interface, 1, id, &region_requests, NULL, NULL);
}

static const struct wl_compositor_interface compositor_requests = {
    .create_surface = create_surface, .create_region = create_region
};

static void bind_compositor(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    (void)data;
    create(client, &wl_compositor_interface, (int)version, id, &compositor_requests, NULL, NULL);
}

/* wl_shm: the memory is never looked at, as in a compositor whose window is hidden */

static const struct wl_buffer_interface buffer_requests = { .destroy = destroy_resource };

static void create_buffer(struct wl_client *client, struct wl_resource *resource, uint32_t id, int32_t offset,
                          int32_t width, int32_t height, int32_t stride, uint32_t format)
{
    (void)resource, (void)offset, (void)width, (void)height, (void)stride, (void)format;
    count.buffers++;
    create(client, &wl_buffer_interface, 1, id, &buffer_requests, NULL, NULL);
}

static void resize_pool(struct wl_client *client, struct wl_resource *resource, int32_t size)
{
    (void)client, (void)resource, (void)size;
}

static const struct wl_shm_pool_interface pool_requests = {
    .create_buffer = create_buffer, .destroy = destroy_resource, .resize = resize_pool
};

static void create_pool(struct wl_client *client, struct wl_resource *resource, uint32_t id, int32_t fd,
                        int32_t size)
{
    (void)resource, (void)size;
    count.pools++;
    close(fd);
    create(client, &wl_shm_pool_interface, 1, id, &pool_requests, NULL, NULL);
}

static const struct wl_shm_interface shm_requests = { .create_pool = create_pool };

static void bind_shm(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    (void)data;
    struct wl_resource *shm = create(client, &wl_shm_interface, (int)version, id, &shm_requests, NULL, NULL);
    wl_shm_send_format(shm, WL_SHM_FORMAT_ARGB8888);
    wl_shm_send_format(shm, WL_SHM_FORMAT_XRGB8888);
}

/* wl_seat with a pointer, wl_output */

static void set_cursor(struct wl_client *client, struct wl_resource *resource, uint32_t serial,
                       struct wl_resource *surface, int32_t x, int32_t y)
{
    (void)client, (void)resource, (void)serial, (void)surface, (void)x, (void)y;
}

static const struct wl_pointer_interface pointer_requests = {
    .set_cursor = set_cursor, .release = destroy_resource
};

static void pointer_destroyed(struct wl_resource *resource)
{
    if (pointer == resource)
        pointer = NULL;
}

static void get_pointer(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
    pointer = create(client, &wl_pointer_interface, wl_resource_get_version(resource), id, &pointer_requests,
                     NULL, pointer_destroyed);
}

static void get_missing(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
    (void)client, (void)id;
    wl_resource_post_error(resource, WL_SEAT_ERROR_MISSING_CAPABILITY, "this seat has a pointer only");
}

static const struct wl_seat_interface seat_requests = {
    .get_pointer = get_pointer,
    .get_keyboard = get_missing,
    .get_touch = get_missing,
    .release = destroy_resource,
};

static void bind_seat(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    (void)data;
    struct wl_resource *seat = create(client, &wl_seat_interface, (int)version, id, &seat_requests, NULL, NULL);
    wl_seat_send_capabilities(seat, WL_SEAT_CAPABILITY_POINTER);
    if (version >= WL_SEAT_NAME_SINCE_VERSION)
        wl_seat_send_name(seat, "seat0");
}

static const struct wl_output_interface output_requests = { .release = destroy_resource };

static void bind_output(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    (void)data;
    struct wl_resource *output =
        create(client, &wl_output_interface, (int)version, id, &output_requests, NULL, NULL);
    wl_output_send_geometry(output, 0, 0, 600, 340, WL_OUTPUT_SUBPIXEL_UNKNOWN, "bench", "bench", 0);
    wl_output_send_mode(output, WL_OUTPUT_MODE_CURRENT, 1920, 1080, 60000);
    if (version >= WL_OUTPUT_DONE_SINCE_VERSION) {
        wl_output_send_scale(output, 1);
        wl_output_send_done(output);
    }
}

/* globals that are announced so that the registry has the length of a real one, but that no benchmark uses */

static const struct wl_interface announced[] = {
    { "xdg_wm_base", 5, 0, NULL, 0, NULL },
    { "wp_viewporter", 1, 0, NULL, 0, NULL },
    { "wp_presentation", 1, 0, NULL, 0, NULL },
    { "wp_fractional_scale_manager_v1", 1, 0, NULL, 0, NULL },
    { "wp_cursor_shape_manager_v1", 1, 0, NULL, 0, NULL },
    { "wp_single_pixel_buffer_manager_v1", 1, 0, NULL, 0, NULL },
    { "xdg_activation_v1", 1, 0, NULL, 0, NULL },
    { "zxdg_decoration_manager_v1", 1, 0, NULL, 0, NULL },
    { "zxdg_output_manager_v1", 3, 0, NULL, 0, NULL },
    { "zwp_idle_inhibit_manager_v1", 1, 0, NULL, 0, NULL },
    { "zwp_pointer_constraints_v1", 1, 0, NULL, 0, NULL },
    { "zwp_pointer_gestures_v1", 3, 0, NULL, 0, NULL },
    { "zwp_relative_pointer_manager_v1", 1, 0, NULL, 0, NULL },
    { "zwp_primary_selection_device_manager_v1", 1, 0, NULL, 0, NULL },
    { "zwp_text_input_manager_v3", 1, 0, NULL, 0, NULL },
    { "zwlr_layer_shell_v1", 4, 0, NULL, 0, NULL },
    { "zwlr_screencopy_manager_v1", 3, 0, NULL, 0, NULL },
};

static void bind_announced(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    create(client, data, (int)version, id, NULL, NULL, NULL);
}

static void global(const struct wl_interface *interface, int version, void *data, wl_global_bind_func_t bind)
{
    if (wl_global_create(display, interface, version, data, bind) == NULL) {
        fprintf(stderr, "host: cannot announce %s\n", interface->name);
        exit(1);
    }
}

static int print_counts(int signal_number, void *data)
{
    (void)signal_number, (void)data;
    printf("connections %lu\nsurfaces %lu\ndamages %lu\ncommits %lu\nregions %lu\npools %lu\nbuffers %lu\n"
           "events %lu\nend 0\n",
           count.connections, count.surfaces, count.damages, count.commits, count.regions, count.pools,
           count.buffers, count.events);
    fflush(stdout);
    return 0;
}

static int input_ended(int fd, uint32_t mask, void *data)
{
    char byte;
    (void)mask, (void)data;
    if (read(fd, &byte, 1) <= 0)
        wl_display_terminate(display);
    return 0;
}

static void client_created(struct wl_listener *listener, void *data)
{
    (void)listener, (void)data;
    count.connections++;
}

int main(int argc, char **argv)
{
    static struct wl_listener created = { .notify = client_created };

    if (argc != 2) {
        fprintf(stderr, "usage: host NAME\n");
        return 2;
    }
    display = wl_display_create();
    if (display == NULL || wl_display_add_socket(display, argv[1]) < 0) {
        perror("host: cannot serve its socket");
        return 1;
    }
    global(&wl_compositor_interface, 4, NULL, bind_compositor);
    global(&wl_shm_interface, 1, NULL, bind_shm);
    global(&wl_seat_interface, 5, NULL, bind_seat);
    global(&wl_output_interface, 3, NULL, bind_output);
    global(&wl_subcompositor_interface, 1, (void *)&wl_subcompositor_interface, bind_announced);
    global(&wl_data_device_manager_interface, 3, (void *)&wl_data_device_manager_interface, bind_announced);
    for (size_t i = 0; i < sizeof announced / sizeof announced[0]; i++)
        global(&announced[i], announced[i].version, (void *)&announced[i], bind_announced);

    struct wl_event_loop *loop = wl_display_get_event_loop(display);
    wl_display_add_client_created_listener(display, &created);
    wl_event_loop_add_signal(loop, SIGUSR1, print_counts, NULL);
    wl_event_loop_add_fd(loop, STDIN_FILENO, WL_EVENT_READABLE, input_ended, NULL);
    printf("ready 0\n");
    fflush(stdout);
    wl_display_run(display);
    wl_display_destroy_clients(display);
    wl_display_destroy(display);
    return 0;
}
