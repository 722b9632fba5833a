from django.http import HttpRequest, HttpResponse


def message(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=400)
