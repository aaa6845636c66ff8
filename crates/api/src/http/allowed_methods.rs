//! The methods that each path accepts, for replies to unmatched requests.

use actix_web::HttpRequest;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::path::PathItem;

use super::error::ApiError;

/// The methods of every documented path, and of every page of the documentation.
pub struct AllowedMethods(Vec<(ResourceDef, Vec<Method>)>);

impl AllowedMethods {
    /// The table for a document, and for pages, forms and their actions that the document does not contain.
    pub fn new(document: &Document, pages: &[&str], forms: &[&str], actions: &[&str]) -> Self {
        let row = |(path, item): (&String, &PathItem)| (ResourceDef::new(path.as_str()), methods(item));
        let pages = pages.iter().map(|path| (ResourceDef::new(*path), vec![Method::GET, Method::HEAD]));
        let forms = forms.iter().map(|path| (ResourceDef::new(*path), vec![Method::GET, Method::HEAD, Method::POST]));
        let actions = actions.iter().map(|path| (ResourceDef::new(*path), vec![Method::POST]));
        Self(document.paths.paths.iter().map(row).chain(pages).chain(forms).chain(actions).collect())
    }

    /// The methods of a path, for `Allow`. `None` if there is no such path. A fixed segment wins over a parameter.
    pub fn allowed(&self, path: &str) -> Option<String> {
        let parameters = |pattern: &ResourceDef| pattern.pattern().map_or(0, |pattern| pattern.matches('{').count());
        let fits: Vec<_> = self.0.iter().filter(|(pattern, _)| pattern.is_match(path)).collect();
        let fewest = fits.iter().map(|(pattern, _)| parameters(pattern)).min()?;
        let closest = fits.into_iter().filter(|(pattern, _)| parameters(pattern) == fewest);
        let mut names: Vec<&str> = closest.flat_map(|(_, methods)| methods).map(Method::as_str).collect();
        if names.is_empty() {
            return None;
        }
        names.sort_unstable();
        names.dedup();
        Some(names.join(", "))
    }

    /// The 405 for a request whose path does not take its method. `None` if the path takes it, or there is no such path.
    pub fn refused(&self, request: &HttpRequest) -> Option<ApiError> {
        let allow = self.allowed(request.match_info().as_str())?;
        let takes = allow.split(", ").any(|method| method == request.method().as_str());
        (!takes).then(|| ApiError::wrong_method(allow))
    }
}

fn methods(item: &PathItem) -> Vec<Method> {
    let documented = [
        (item.get.is_some(), Method::GET),
        (item.get.is_some(), Method::HEAD),
        (item.post.is_some(), Method::POST),
        (item.put.is_some(), Method::PUT),
        (item.patch.is_some(), Method::PATCH),
        (item.delete.is_some(), Method::DELETE),
        (true, Method::OPTIONS),
    ];
    documented.into_iter().filter(|(there, _)| *there).map(|(_, method)| method).collect()
}
