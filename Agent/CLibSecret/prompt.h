// Waiting for the end of a prompt, which is a signal, on a thread without a main loop.
#pragma once

#include <gio/gio.h>

typedef struct {
    GDBusConnection *connection;
    GMainContext *context;
    guint subscription;
    gboolean is_over;
} DwPrompt;

// Whatever it completes with: what has come of it is asked for afterwards.
static inline void dw_prompt_completed(
    GDBusConnection *connection, const gchar *sender, const gchar *path, const gchar *interface, const gchar *signal,
    GVariant *values, gpointer prompt) {
    (void)connection, (void)sender, (void)path, (void)interface, (void)signal, (void)values;
    ((DwPrompt *)prompt)->is_over = TRUE;
}

static inline DwPrompt *dw_prompt_watch(GDBusConnection *connection, const char *owner, const char *path) {
    DwPrompt *prompt = g_new0(DwPrompt, 1);
    prompt->connection = (GDBusConnection *)g_object_ref(connection);
    prompt->context = g_main_context_new();
    g_main_context_push_thread_default(prompt->context);
    prompt->subscription = g_dbus_connection_signal_subscribe(
        connection, owner, "org.freedesktop.Secret.Prompt", "Completed", path, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
        dw_prompt_completed, prompt, NULL);
    g_main_context_pop_thread_default(prompt->context);
    return prompt;
}

static inline gboolean dw_prompt_tick(gpointer ticked) {
    *(gboolean *)ticked = TRUE;
    return G_SOURCE_REMOVE;
}

// Waits so long for the end; whether it has come.
static inline gboolean dw_prompt_wait(DwPrompt *prompt, guint milliseconds) {
    gboolean ticked = FALSE;
    GSource *timer = g_timeout_source_new(milliseconds);
    g_source_set_callback(timer, dw_prompt_tick, &ticked, NULL);
    g_source_attach(timer, prompt->context);
    while (!ticked && !prompt->is_over) g_main_context_iteration(prompt->context, TRUE);
    g_source_destroy(timer);
    g_source_unref(timer);
    return prompt->is_over;
}

// What came in the meantime ends with the context, unseen.
static inline void dw_prompt_free(DwPrompt *prompt) {
    g_dbus_connection_signal_unsubscribe(prompt->connection, prompt->subscription);
    g_main_context_unref(prompt->context);
    g_object_unref(prompt->connection);
    g_free(prompt);
}
