SELECT shared_call();
