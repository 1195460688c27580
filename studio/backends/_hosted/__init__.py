"""What all hosted backends share: a provider translates, `HostedBackend` does everything else.

provider.py        the words: About, Wish, Call, Reply, Ticket, and what a provider must say
backend.py         the way of a hosted picture: wishes, carried out side by side, put together again
errand.py          one paid call, with its receipts
tools.py           door, pace and keys of one provider, and the facts that are kept
calls.py           calls as they are sent (with keys and pictures) and as they are told (without)
pictures.py        pictures and masks in a provider's sense, and what comes back, sniffed and opened
models.py          what providers declare of their models, and models that the user adds
options.py         fields that only one model has, as they are sent
failures.py        answers that are errors, by each provider's own table
pace.py            how many calls at once and a minute, the form before batches
openai_style.py    family A: POST JSON → {data: [{b64_json | url}]}
direct.py          family B: bytes with what belongs to them in headers
polled.py          family C: submit, look, fetch
predictions.py, fal_queue.py   Replicate's and fal's shapes, which the Hugging Face router speaks too
own_server.py, graphs.py       AUTOMATIC1111 and ComfyUI on servers of the user's own
"""
